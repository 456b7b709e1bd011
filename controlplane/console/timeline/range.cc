#include "controlplane/console/timeline/range.h"

#include <fmt/format.h>

#include <algorithm>

namespace aerodb::console::timeline {
namespace {

Result<std::vector<EntryName>> names_of(const std::vector<std::string>& texts) {
  std::vector<EntryName> names;
  for (const auto& text : texts) {
    auto name = entry_name_of(text);
    if (!name) return fail(std::move(name.error()));
    names.push_back(std::move(*name));
  }
  return names;
}

Result<std::vector<size_t>> find_all(const Timeline& timeline, const std::vector<EntryName>& names) {
  std::vector<size_t> found;
  for (const auto& name : names) {
    const auto at = std::ranges::lower_bound(timeline.entries, name, {}, &Entry::name);
    if (at == timeline.entries.end() || at->name != name) {
      return fail(ErrorCode::kUsage,
                  fmt::format("{}: not among the audit records and events that were shown", text_of(name)));
    }
    found.push_back(static_cast<size_t>(at - timeline.entries.begin()));
  }
  return found;
}

}  // namespace

Result<Range> range_of(const std::vector<std::string>& from, const std::vector<std::string>& to) {
  auto begin = names_of(from);
  if (!begin) return fail(std::move(begin.error()));
  auto end = names_of(to);
  if (!end) return fail(std::move(end.error()));
  return Range{std::move(*begin), std::move(*end)};
}

Result<std::vector<size_t>> select(const Timeline& timeline, const Range& range) {
  const auto from = find_all(timeline, range.from);
  if (!from) return fail(from.error());
  const auto to = find_all(timeline, range.to);
  if (!to) return fail(to.error());
  std::vector<size_t> inside;
  for (const size_t entry : timeline.listing) {
    const bool early = std::ranges::any_of(*from, [&](size_t end) { return timeline.is_before(entry, end); });
    const bool late = std::ranges::any_of(*to, [&](size_t end) { return timeline.is_before(end, entry); });
    if (!early && !late) inside.push_back(entry);
  }
  return inside;
}

}  // namespace aerodb::console::timeline
