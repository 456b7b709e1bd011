#include "controlplane/console/local/launcher.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>

namespace aerodb::console {
namespace {

constexpr uint64_t kReadyUs = 10'000'000;

}  // namespace

Launcher::Launcher(uv::UvRuntime& runtime, Output& output, std::string binaries)
    : runtime_(runtime), output_(output), binaries_(std::move(binaries)) {}

void Launcher::say(const std::string& line) {
  output_.line(line);
  static_cast<void>(output_.flush());
}

// --- start

void Launcher::start(std::vector<LocalRole> roles, const std::vector<InitialisedNode>& made) {
  for (auto& role : roles) {
    Child& child = children_.emplace_back();
    switch (role.kind) {
      case config::ConfigKind::kNode: {
        const auto known = std::ranges::find(made, role.name, &InitialisedNode::name);
        child.role_known = known != made.end();
        child.rank = child.role_known && !known->primary ? Rank::kReplica : Rank::kPrimary;
        break;
      }
      case config::ConfigKind::kShipper:
        child.rank = Rank::kShipper;
        break;
      case config::ConfigKind::kControlplane:
        child.rank = Rank::kControlplane;
        break;
      case config::ConfigKind::kExplainer:
        child.rank = Rank::kExplainer;
        break;
    }
    child.role = std::move(role);
  }
  for (Child& child : children_) {
    if (child.role.node) spawn(child);
  }
  start_others();
}

void Launcher::spawn(Child& child) {
  constexpr std::string_view kPrograms[] = {"aerodb-explainer", "aerodb-controlplane", "aerodb-shipper",
                                            "aerodb-replica", "aerodb-primary"};
  const std::string_view program = kPrograms[static_cast<size_t>(child.rank)];
  child.wrong_role = false;
  child.state = State::kRunning;
  const uv::ChildOptions options{
      fmt::format("{}/{}", binaries_, program), {"--config", child.role.config_path, "--exit-with-stdin"}, "", true};
  auto process = uv::ChildProcess::spawn(
      runtime_, options,
      {.on_line = [this, &child](uv::ChildStream, std::string_view line) { take_line(child, line); },
       .on_exit = [this, &child](uv::ChildExit exit) { ended(child, exit); }});
  if (!process) {
    output_.error("aerodb local", process.error(), Advice::kShown);
    child.state = State::kEnded;
    if (exit_code_ == ExitCode::kOk) exit_code_ = process.error().row().exit_code;
    return;
  }
  child.process = std::move(*process);
  say(fmt::format("started {} {} pid {}", child.role.name, program, child.process->pid()));
  if (child.role.node) watch(child);
}

void Launcher::watch(Child& child) {
  child.probe = std::make_unique<Probe>(
      runtime_, child.role.node->listen_client, kReadyUs,
      [this, &child](const std::optional<wire::StatusResponse>& status) { answered(child, status); });
}

void Launcher::answered(Child& child, const std::optional<wire::StatusResponse>& status) {
  child.probe.reset();
  const std::string& name = child.role.name;
  if (!status)
    say(fmt::format("silent {} {} s", name, kReadyUs / 1'000'000));
  else if (status->state == "READY")
    say(fmt::format("ready {}", name));
  else
    say(fmt::format("halted {} {}", name, printable(status->halt_reason.value_or(""))));
  start_others();
}

// Once nothing is known to be about to happen to a node.
void Launcher::start_others() {
  const bool wait = std::ranges::any_of(children_, [](const Child& child) { return child.probe != nullptr; });
  if (wait || stopping_) return;
  for (Child& child : children_) {
    if (child.state == State::kWaiting) spawn(child);
  }
  const bool all_ended =
      std::ranges::all_of(children_, [](const Child& child) { return child.state == State::kEnded; });
  if (all_ended && on_end_) runtime_.loop().post(std::move(on_end_));
}

// --- what children do

void Launcher::take_line(Child& child, std::string_view line) {
  if (line.find(": WRONG_ROLE: ") != std::string_view::npos) child.wrong_role = true;
  output_.notice(fmt::format("{} | {}\n", child.role.name, printable(line)));
}

void Launcher::ended(Child& child, uv::ChildExit exit) {
  child.probe.reset();
  child.state = State::kEnded;
  const bool other_binary = child.wrong_role && exit.signal == 0 && exit.status == static_cast<int>(ExitCode::kConfig);
  if (other_binary && !child.role_known && !stopping_) {
    child.role_known = true;
    child.rank = Rank::kReplica;
    spawn(child);
    return;
  }
  report_end(child, exit);
  if (stopping_)
    stop_next();
  else
    start_others();
}

void Launcher::report_end(const Child& child, uv::ChildExit exit) {
  const std::string how = exit.signal != 0 ? fmt::format("signal {}", exit.signal) : std::to_string(exit.status);
  say(fmt::format("ended {} {}", child.role.name, how));
  if (stopping_ || exit_code_ != ExitCode::kOk) return;
  if (exit.signal != 0)
    exit_code_ = ExitCode::kInternal;
  else
    exit_code_ = static_cast<ExitCode>(exit.status);
}

// --- stop

void Launcher::stop() {
  if (stopping_) return;
  stopping_ = true;
  exit_code_ = ExitCode::kOk;
  for (Child& child : children_) {
    child.probe.reset();
    if (child.state == State::kWaiting) child.state = State::kEnded;
  }
  stop_next();
}

// All of the lowest rank that still runs; the next rank when these have ended.
void Launcher::stop_next() {
  std::optional<Rank> lowest;
  for (const Child& child : children_) {
    if (child.state == State::kRunning && (!lowest || child.rank < *lowest)) lowest = child.rank;
  }
  if (!lowest) {
    if (on_end_) runtime_.loop().post(std::move(on_end_));
    return;
  }
  for (Child& child : children_) {
    if (child.state != State::kRunning || child.rank != *lowest || child.asked_to_stop) continue;
    // Once only: a second signal would end it at once.
    child.asked_to_stop = true;
    child.process->kill(SIGTERM);
  }
}

}  // namespace aerodb::console
