// What frames the blocks of a run: header, footer, tail. Header and tail in run_format.h.
//
// Footer, body of its block:
//   versions u64, tombstones u64, index entries u64, versions digest [16], count u32, then sections:
//   collection string, path string (empty: documents), height u32, top offset u64, top stored bytes u32, entries u64,
//   bytes u64
// string: u32 length and that many bytes. Sections ascend by (collection, path) and lie in the file in that order, the
// first right behind the header, the footer right behind the last.
#pragma once

#include <vector>

#include "common/store/damage.h"
#include "common/store/run.h"

namespace aerodb::store {

struct RunHeader {
  RunNumber number = 0;
  CommitId first_commit;
  CommitId last_commit;
};
[[nodiscard]] Bytes encode_run_header(const RunHeader& header);
// Requires kRunHeaderBytes, checked by the tail, of this format.
[[nodiscard]] Undamaged<RunHeader> decode_run_header(ByteSpan header);
// Requires kRunHeaderBytes.
[[nodiscard]] uint32_t run_format_of(ByteSpan header);

struct RunFooter {
  uint64_t versions = 0;
  uint64_t tombstones = 0;
  uint64_t index_entries = 0;
  Digest versions_digest;
  std::vector<RunSection> sections;
};
[[nodiscard]] Bytes encode_run_footer(const RunFooter& footer);
// Every section's top lies within the section, and the sections fill the file up to `footer_offset`.
[[nodiscard]] Undamaged<RunFooter> decode_run_footer(ByteSpan body, uint64_t footer_offset);

[[nodiscard]] Bytes encode_run_tail(ByteSpan header, const BlockHandle& footer);
// The footer's place. Requires kRunHeaderBytes and kRunTailBytes of a file of `file_bytes`.
[[nodiscard]] Undamaged<BlockHandle> decode_run_tail(ByteSpan header, ByteSpan tail, uint64_t file_bytes);

}  // namespace aerodb::store
