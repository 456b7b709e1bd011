// aerodb status, stats, events: what one process says of itself.
#include <fmt/format.h>

#include "controlplane/console/target.h"
#include "controlplane/console/verbs.h"

namespace aerodb::console {
namespace {

class Observe : public Verb {
 public:
  void declare(Options& options) override {
    node_.declare(options);
    format_.declare(options);
  }

 protected:
  Result<std::unique_ptr<Session>> connect(Output& output) {
    format_.apply(output);
    return node_.connect();
  }
  template <class Request, class Response>
  Result<Response> ask(const wire::Method<Request, Response>& method, const Request& request, Output& output) {
    auto session = connect(output);
    if (!session) return fail(std::move(session.error()));
    return (*session)->ask(method, request);
  }

 private:
  NodeTarget node_{NodeListener::kObserved};
  FormatOption format_;
};

class Status final : public Observe {
 public:
  [[nodiscard]] VerbText text() const override {
    return {
        .path = "status",
        .summary = "Shows a node's identity, role, state, positions and ancestry, or a shipper's source and targets.",
        .example =
            "aerodb status --node r1 --config configs/local\n"
            "aerodb status --node s1-from-p1 --config configs/local",
        .json = {shape_of<wire::StatusResponse>, shape_of<wire::ShipperStatusResponse>}};
  }
  Result<ExitCode> run(Output& output) override {
    auto session = connect(output);
    if (!session) return fail(std::move(session.error()));
    auto hello = (*session)->ask(wire::kHelloClient, {wire::kProtocolVersion, "aerodb"});
    if (!hello) return fail(std::move(hello.error()));
    if (hello->listener == wire::listener_name(wire::ListenerKind::kShipper))
      return show(**session, wire::kShipperStatus, output);
    return show(**session, wire::kStatus, output);
  }

 private:
  template <class Response>
  static Result<ExitCode> show(Session& session, const wire::Method<wire::Empty, Response>& method, Output& output) {
    auto answer = session.ask(method, wire::Empty{});
    if (!answer) return fail(std::move(answer.error()));
    output.message(*answer);
    return ExitCode::kOk;
  }
};

class Stats final : public Observe {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "stats",
            .summary = "Shows every metric of a node, shipper or explainer, exactly.",
            .example = "aerodb stats --node 127.0.0.1:7301",
            .json = {shape_of<wire::StatsResponse>, shape_of<wire::MetricValue>}};
  }
  Result<ExitCode> run(Output& output) override {
    auto answer = ask(wire::kObserveStats, wire::Empty{}, output);
    if (!answer) return fail(std::move(answer.error()));
    if (!output.is_table()) {
      output.list(*answer, answer->metrics);
      return ExitCode::kOk;
    }
    Table table({"metric", "value", "unit"});
    for (const auto& metric : answer->metrics) {
      table.row({printable(metric.name), std::to_string(metric.value), printable(metric.unit)});
    }
    output.text(table.render(output.screen()));
    return ExitCode::kOk;
  }
};

class Events final : public Observe {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "events",
            .summary = "Shows the numbered events of a node.",
            .example = "aerodb events --after 10 --node p1 --config configs/local",
            .notes = "Their numbers order them. The time is for people; clocks of two nodes order nothing.",
            .json = {shape_of<wire::ObserveEventsResponse>, shape_of<wire::EventRecord>}};
  }
  void declare(Options& options) override {
    options.number("--after", after_, 0, kMaxNumber, "events with a greater number");
    options.number("--limit", limit_, 1, 1000, "at most so many");
    Observe::declare(options);
  }
  Result<ExitCode> run(Output& output) override {
    const wire::ObserveEventsRequest request{after_, static_cast<uint32_t>(limit_)};
    auto answer = ask(wire::kObserveEvents, request, output);
    if (!answer) return fail(std::move(answer.error()));
    if (!output.is_table()) {
      output.list(*answer, answer->events);
      return ExitCode::kOk;
    }
    Table table({"number", "time", "event", "fields"});
    for (const auto& event : answer->events) {
      table.row({std::to_string(event.number), time_text(event.wall_us), printable(event.name),
                 printable(fmt::format("{}", fmt::join(event.fields_text, " ")))});
    }
    output.text(table.render(output.screen()));
    return ExitCode::kOk;
  }

 private:
  uint64_t after_ = 0;
  uint64_t limit_ = 1000;
};

}  // namespace

std::unique_ptr<Verb> make_status() { return std::make_unique<Status>(); }
std::unique_ptr<Verb> make_stats() { return std::make_unique<Stats>(); }
std::unique_ptr<Verb> make_events() { return std::make_unique<Events>(); }

}  // namespace aerodb::console
