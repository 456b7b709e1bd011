#include "controlplane/console/timeline/fetch.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace aerodb::console::timeline {
namespace {

constexpr uint32_t kRecordsAPage = 200;
constexpr uint32_t kEventsAPage = 200;
constexpr uint64_t kMaxAuditBytes = uint64_t{512} << 20;

// Whether numbers grow, from `after` on.
template <class Numbered>
Result<void> check_numbers(const std::vector<Numbered>& page, uint64_t after, std::string_view of) {
  for (const auto& each : page) {
    if (each.number <= after || each.number > kMaxNumber)
      return fail(ErrorCode::kBadMessage, fmt::format("{}: {} stands after {}", of, each.number, after));
    after = each.number;
  }
  return {};
}

Result<void> fetch_records(Session& session, Logs& logs) {
  uint64_t bytes = 0;
  for (uint64_t after = 0;;) {
    auto page = session.ask(wire::kAuditRead, {after, kRecordsAPage});
    if (!page) return fail(std::move(page.error()));
    if (page->records.empty()) return {};
    if (auto checked = check_numbers(page->records, after, "audit log"); !checked) return checked;
    after = page->records.back().number;
    for (auto& record : page->records) {
      bytes += record.line.size();
      logs.records.push_back(std::move(record));
    }
    if (bytes > kMaxAuditBytes)
      return fail(ErrorCode::kMessageTooLarge, fmt::format("audit log: more than {} bytes", kMaxAuditBytes));
  }
}

// Joins a page to what `into` has already. Answers whether there may be more.
Result<bool> join(wire::NodeEvents page, wire::NodeEvents& into) {
  const uint64_t after = into.events.empty() ? 0 : into.events.back().number;
  if (auto checked = check_numbers(page.events, after, page.node); !checked) return fail(std::move(checked.error()));
  const bool full = page.events.size() == kEventsAPage;
  into.reached = page.reached;
  into.why = std::move(page.why);
  std::ranges::move(page.events, std::back_inserter(into.events));
  return full;
}

Result<void> fetch_events(Session& session, const std::vector<std::string>& nodes, Logs& logs) {
  wire::InspectEventsRequest request;
  request.limit = kEventsAPage;
  for (const auto& node : nodes) request.nodes.push_back({node, 0});
  do {
    auto answer = session.ask(wire::kInspectEvents, request);
    if (!answer) return fail(std::move(answer.error()));
    request.nodes.clear();
    for (auto& page : answer->nodes) {
      auto into = std::ranges::find(logs.nodes, page.node, &wire::NodeEvents::node);
      if (into == logs.nodes.end()) into = logs.nodes.insert(into, {page.node, page.address, false, std::nullopt, {}});
      const auto more = join(std::move(page), *into);
      if (!more) return fail(more.error());
      if (*more) request.nodes.push_back({into->node, into->events.back().number});
    }
  } while (!request.nodes.empty());
  return {};
}

}  // namespace

Result<Logs> fetch(Session& session, const std::vector<std::string>& nodes) {
  Logs logs;
  auto audit = session.ask(wire::kAuditVerify, wire::Empty{});
  if (!audit) return fail(std::move(audit.error()));
  logs.audit = std::move(*audit);
  if (auto fetched = fetch_events(session, nodes, logs); !fetched) return fail(std::move(fetched.error()));
  if (auto fetched = fetch_records(session, logs); !fetched) return fail(std::move(fetched.error()));
  return logs;
}

}  // namespace aerodb::console::timeline
