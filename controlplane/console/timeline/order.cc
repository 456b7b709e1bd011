#include "controlplane/console/timeline/order.h"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

namespace aerodb::console::timeline {

std::string_view proof_name(Proof proof) {
  static constexpr std::string_view kNames[] = {"request", "seal", "lineage"};
  return kNames[static_cast<size_t>(proof)];
}

bool Timeline::is_before(size_t a, size_t b) const { return proven(b, source_of_[a]) >= entries[a].name.number; }

class Ordering {
 public:
  explicit Ordering(std::vector<Entry> entries) {
    std::ranges::stable_sort(entries, {}, &Entry::name);
    const auto doubled = std::ranges::unique(entries, {}, &Entry::name);
    entries.erase(doubled.begin(), doubled.end());
    t_.entries = std::move(entries);
    for (const auto& entry : t_.entries) {
      if (t_.sources.empty() || t_.sources.back() != entry.name.source) {
        t_.sources.push_back(entry.name.source);
        first_.push_back(t_.source_of_.size());
      }
      t_.source_of_.push_back(t_.sources.size() - 1);
    }
    first_.push_back(t_.entries.size());
  }

  Timeline run() {
    find_request_facts();
    find_seal_facts();
    find_lineage_facts();
    std::ranges::sort(t_.facts, {}, [](const Fact& fact) { return std::tuple(fact.after, fact.before, fact.proof); });
    if (!list()) {
      set_contradictions_aside();
      list();
    }
    return std::move(t_);
  }

 private:
  static constexpr size_t kNone = SIZE_MAX;

  void find_request_facts() {
    struct Events {
      size_t first = kNone;
      size_t last = kNone;
    };
    std::map<std::pair<std::string_view, std::string_view>, Events> events;
    for (size_t i = 0; i < t_.entries.size(); ++i) {
      const auto& facts = t_.entries[i].facts;
      if (facts.side != CommandSide::kNode) continue;
      auto& found = events[{t_.entries[i].name.source, facts.request_id}];
      found.first = std::min(found.first, i);
      found.last = i;
    }
    for (size_t i = 0; i < t_.entries.size(); ++i) {
      const auto& facts = t_.entries[i].facts;
      const auto found = events.find({facts.node, facts.request_id});
      if (found == events.end()) continue;
      if (facts.side == CommandSide::kDispatched) t_.facts.push_back({Proof::kRequest, i, found->second.first});
      if (facts.side == CommandSide::kAnswered) t_.facts.push_back({Proof::kRequest, found->second.last, i});
    }
  }

  void find_seal_facts() {
    for (size_t seal = 0; seal < t_.entries.size(); ++seal) {
      const auto& sealed = t_.entries[seal].facts.sealed;
      if (!sealed) continue;
      add_facts(Proof::kSeal, seal, [&](const Facts& facts) {
        return facts.holds_log && facts.holds_log->lineage == sealed->lineage && facts.holds_log->lsn >= sealed->lsn;
      });
    }
  }
  void find_lineage_facts() {
    for (size_t begin = 0; begin < t_.entries.size(); ++begin) {
      const auto& lineage = t_.entries[begin].facts.began_lineage;
      if (lineage.empty()) continue;
      add_facts(Proof::kLineage, begin, [&](const Facts& facts) {
        return facts.knows_lineage == lineage || (facts.holds_log && facts.holds_log->lineage == lineage);
      });
    }
  }
  // Of each other source the first entry that follows from `cause`; its later ones follow by their numbers.
  template <class Follows>
  void add_facts(Proof proof, size_t cause, Follows follows) {
    for (size_t source = 0; source < t_.sources.size(); ++source) {
      if (source == t_.source_of_[cause]) continue;
      for (size_t i = first_[source]; i < first_[source + 1]; ++i) {
        if (!follows(t_.entries[i].facts)) continue;
        t_.facts.push_back({proof, cause, i});
        break;
      }
    }
  }

  // A fact is part of a ring where its later entry is before its earlier one by the others.
  void set_contradictions_aside() {
    std::vector<Fact> kept;
    for (const auto& fact : t_.facts) (leads_to(fact.after, fact.before) ? t_.contradictions : kept).push_back(fact);
    t_.facts = std::move(kept);
  }
  [[nodiscard]] bool leads_to(size_t from, size_t to) const {
    std::vector<size_t> reached(t_.sources.size(), kNone);  // first entry of each source that `from` is before, or is
    reached[t_.source_of_[from]] = from;
    for (bool changed = true; changed;) {
      changed = false;
      for (const auto& fact : t_.facts) {
        auto& first = reached[t_.source_of_[fact.after]];
        if (reached[t_.source_of_[fact.before]] > fact.before || first <= fact.after) continue;
        first = fact.after;
        changed = true;
      }
    }
    return reached[t_.source_of_[to]] <= to;
  }

  // Lists every entry after all that are before it. It goes on with what the last one listed is before, where there is
  // such an entry, and else with the first source, so that what belongs together stands together. False in a ring.
  bool list() {
    t_.listing.clear();
    t_.before_.assign(t_.entries.size(), {});
    listed_.assign(t_.entries.size(), false);
    heads_.assign(first_.begin(), first_.end() - 1);
    facts_of_.assign(t_.entries.size(), {});
    for (const auto& fact : t_.facts) facts_of_[fact.after].push_back(fact.before);
    while (t_.listing.size() < t_.entries.size()) {
      const size_t source = next_source();
      if (source == kNone) return false;
      const size_t entry = heads_[source]++;
      listed_[entry] = true;
      t_.listing.push_back(entry);
    }
    return true;
  }
  size_t next_source() {
    size_t chosen = kNone;
    for (size_t source = 0; source < heads_.size(); ++source) {
      const size_t head = heads_[source];
      if (head == first_[source + 1]) continue;
      if (!std::ranges::all_of(facts_of_[head], [this](size_t before) { return listed_[before]; })) continue;
      if (t_.before_[head].empty()) t_.before_[head] = before_of(head);
      if (!t_.listing.empty() && t_.is_before(t_.listing.back(), head)) return source;
      if (chosen == kNone) chosen = source;
    }
    return chosen;
  }
  [[nodiscard]] std::vector<uint64_t> before_of(size_t entry) const {
    std::vector<uint64_t> before(t_.sources.size(), 0);
    const auto take = [&](size_t earlier) {
      for (size_t i = 0; i < before.size(); ++i) before[i] = std::max(before[i], t_.before_[earlier][i]);
      auto& own = before[t_.source_of_[earlier]];
      own = std::max(own, t_.entries[earlier].name.number);
    };
    if (entry > first_[t_.source_of_[entry]]) take(entry - 1);
    for (const size_t earlier : facts_of_[entry]) take(earlier);
    return before;
  }

  Timeline t_;
  std::vector<size_t> first_;  // of each source, its first entry; then the number of entries
  std::vector<size_t> heads_;
  std::vector<bool> listed_;
  std::vector<std::vector<size_t>> facts_of_;
};

Timeline order(std::vector<Entry> entries) { return Ordering(std::move(entries)).run(); }

}  // namespace aerodb::console::timeline
