// The order of audit records and events of several nodes, as far as it is proven. Pure: the same entries give the same
// timeline, in whatever order they were fetched.
//
// "a before b" means: a was noted down before b was. What proves it:
//
//   node      events of one node: the smaller number is before the greater
//   audit     audit records: the smaller number is before the greater
//   request   a command's `dispatched` record is before each event of its node under the same request id, since the
//             control plane makes the id and sends it then; and each of these before its `answered` record, since a
//             node notes what it did before it answers. Not before `unknown`: the node may still be at work.
//   seal      a `sealed` event is before what another node noted on a log that held this seal: `promoted`, `declined`
//             or a later `sealed` of the same lineage at a greater LSN, or a `lineage_ended` that forks the lineage
//             behind it. A node notes a seal in the turn in which it is durable, before it shows it to anybody. The
//             other records of authority are noted later than others may see them, so they prove nothing of this kind.
//
// and what follows from several of these. Wall clocks prove nothing. Where neither of two entries is before the other,
// no order is stated: they stand in some order in a list, and the list says so.
//
// Facts that contradict each other (somebody sent a command's request id to a node himself; a data directory was put
// back from a copy) form a ring. None of the facts of a ring between two sources proves anything; they are listed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controlplane/console/timeline/entry.h"

namespace aerodb::console::timeline {

enum class Proof : uint8_t { kRequest, kSeal, kLineage };
[[nodiscard]] std::string_view proof_name(Proof proof);

// A fact that orders entries of two sources.
struct Fact {
  Proof proof = Proof::kRequest;
  size_t before = 0;  // indexes of Timeline::entries
  size_t after = 0;
};

struct Timeline {
  std::vector<Entry> entries;        // by source, then number
  std::vector<std::string> sources;  // the audit log ("") and each node with entries, sorted
  std::vector<Fact> facts;           // none of them contradicts the others
  std::vector<Fact> contradictions;
  std::vector<size_t> listing;  // indexes of entries; none stands before one that is proven to be before it

  // Number of the last entry of `sources[source]` that is proven to be before `entry`; 0: none.
  [[nodiscard]] uint64_t proven(size_t entry, size_t source) const { return before_[entry][source]; }
  [[nodiscard]] bool is_before(size_t a, size_t b) const;

 private:
  friend class Ordering;
  std::vector<size_t> source_of_;
  std::vector<std::vector<uint64_t>> before_;
};

// An entry given twice counts once.
[[nodiscard]] Timeline order(std::vector<Entry> entries);

}  // namespace aerodb::console::timeline
