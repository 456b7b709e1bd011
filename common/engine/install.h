// Another node's snapshot taking the place of a node's own log and runs (REPL-11). Blocking, for Jobs; one at a time.
// Twin of docs/spec/BOOTSTRAP.md.
//
// DIR/bootstrap.partial, where it comes together while the node goes on:
//   SOURCE            the source's manifest as it was sent: what the files beside it shall become
//   runs/             its runs, in pieces from the beginning of each, every piece synced
//   wal/ MANIFEST NODE  made last, by prepare_install()
//
// An install then begins with DIR/INSTALL, durable before anything else: the one atomic step. From there on the old
// wal, runs and MANIFEST go, and with them what was said of them (CLEAN_STOP, HALT, FENCED, authority/accepted,
// authority/orphans); the parts move in from bootstrap.partial; that goes, and last INSTALL. Declines, snapshots,
// events and quarantine stay.
//
// What can go wrong: before INSTALL the node is what it was. With INSTALL, whoever opens the directory next completes
// the install first. What lies in bootstrap.partial without INSTALL waits for the next bootstrap.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/checksum.h"
#include "common/engine/node_directory.h"
#include "common/engine/progress.h"
#include "common/store/manifest.h"

namespace aerodb::engine {

inline constexpr std::string_view kBootstrapPartial = "bootstrap.partial";
inline constexpr std::string_view kInstallMark = "INSTALL";
inline constexpr uint32_t kBootstrapPieceBytes = 1u << 20;

// A part of a run as it is fetched: pieces begin at multiples of kBootstrapPieceBytes.
struct BootstrapPiece {
  size_t run = 0;  // place in the manifest's list
  uint64_t offset = 0;
  uint32_t bytes = 0;
  friend bool operator==(const BootstrapPiece&, const BootstrapPiece&) = default;
};

class PartialSnapshot {
 public:
  // Begins, or continues what an earlier one left: runs of the same number, size and SHA-256 stay, whole where they
  // are, else up to their last piece, which a crash may have torn. All else in the directory goes. IO.
  [[nodiscard]] static Result<std::unique_ptr<PartialSnapshot>> open(runtime::Disk& disk, const std::string& data_dir,
                                                                     store::Manifest source);

  [[nodiscard]] const store::Manifest& manifest() const { return manifest_; }  // the source's
  [[nodiscard]] uint64_t total_bytes() const;
  [[nodiscard]] uint64_t kept_bytes() const;  // when opened
  // The piece to fetch after `piece`, or the first one; nullopt: that was the last. Of what open() found: it may be
  // asked while a Job appends.
  [[nodiscard]] std::optional<BootstrapPiece> piece_after(const std::optional<BootstrapPiece>& piece) const;
  // The pieces in the order of piece_after(), each durable when this returns. BAD_REQUEST where the source sent another
  // number of bytes; RUN_DAMAGED where the whole run is not the one that its manifest says: it is fetched anew the next
  // time. IO.
  [[nodiscard]] Result<void> append(runtime::Disk& disk, const BootstrapPiece& piece, ByteSpan bytes);

 private:
  PartialSnapshot(std::string directory, store::Manifest source)
      : directory_(std::move(directory)), manifest_(std::move(source)) {}
  [[nodiscard]] Result<void> clear_others(runtime::Disk& disk);
  [[nodiscard]] Result<uint64_t> find_kept(runtime::Disk& disk, const store::RunInfo& run) const;
  [[nodiscard]] Result<void> begin_run(runtime::Disk& disk, const BootstrapPiece& piece);
  [[nodiscard]] Result<void> end_run(runtime::Disk& disk, const store::RunInfo& run);

  std::string directory_;
  store::Manifest manifest_;
  std::vector<uint64_t> kept_;           // bytes of each run, when opened
  std::unique_ptr<runtime::File> file_;  // of the run under way
  std::optional<Sha256Stream> hash_;
};

// Proves that bootstrap.partial holds what `source` says: SHA-256, blocks, sections and filter of every run, every
// document under its schema, the digest over all of them, the authority records. RUN_DAMAGED, MANIFEST_DAMAGED,
// DIGEST_MISMATCH, BAD_RECORD, NEWER_FORMAT, IO; WRONG_NODE: of another cluster; NO_SNAPSHOT: so old that this very
// node still holds authority in it, or would come to hold it again on the way on: `held_since` is the LSN at which the
// last epoch known to name this node began; 0: none.
[[nodiscard]] Result<void> verify_partial(runtime::Disk& disk, const std::string& data_dir, const NodeFile& node,
                                          const store::Manifest& source, const ProgressFunction& progress,
                                          Lsn held_since = {});

// What a node needs beside the runs: a manifest that counts on from the present one, so that neither its number nor a
// run's repeats (CKPT-3); an empty ring; NODE, which promises no record any more. Then all of it is durable.
[[nodiscard]] Result<void> prepare_install(runtime::Disk& disk, const std::string& data_dir,
                                           const wal::RingGeometry& geometry, const store::Manifest& source);

// Requires what was prepared, and that nothing has the directory open but its lock. After an error the old state or
// the new one opens, as INSTALL says.
[[nodiscard]] Result<void> install_snapshot(runtime::Disk& disk, const std::string& data_dir);

// Completes an install that was marked; nothing without INSTALL. `node` is read again where its file was replaced.
[[nodiscard]] Result<void> finish_install(runtime::Disk& disk, const std::string& data_dir, NodeFile& node);

}  // namespace aerodb::engine
