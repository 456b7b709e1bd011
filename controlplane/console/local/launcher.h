// The processes of a local cluster, from start to end. Thread: the loop's.
//
// Nodes first; when each of them answered READY or HALTED, ended, or took too long, the others: shippers, control
// plane, explainer. Nothing is ever restarted. To stop: explainer, control plane, shippers, replicas, primaries, each
// asked when the ones before have ended.
//
// Which binary opens a node's directory is proven by the directory alone, so it is asked by trying: aerodb-primary, and
// when that ends with WRONG_ROLE, aerodb-replica. A directory made just now is known.
//
// Every child holds the other end of a pipe of ours as its standard input and ends with it: nothing survives us.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/uv/child_process.h"
#include "common/uv/uv_runtime.h"
#include "controlplane/console/local/probe.h"
#include "controlplane/console/local/roles.h"

namespace aerodb::console {

class Launcher {
 public:
  // `binaries`: the directory of the programs.
  Launcher(uv::UvRuntime& runtime, Output& output, std::string binaries);

  // `made`: nodes whose role is known.
  void start(std::vector<LocalRole> roles, const std::vector<InitialisedNode>& made);
  void stop();
  // Runs once, when no child is left.
  void on_end(runtime::Callback done) { on_end_ = std::move(done); }
  // 0 after stop(); else that of the first child that ended with another one.
  [[nodiscard]] ExitCode exit_code() const { return exit_code_; }

 private:
  // Order of stopping. What starts first stops last.
  enum class Rank : uint8_t { kExplainer, kControlplane, kShipper, kReplica, kPrimary };
  enum class State : uint8_t {
    kWaiting,  // not started yet
    kRunning,
    kEnded,
  };
  struct Child {
    LocalRole role;
    Rank rank = Rank::kShipper;
    State state = State::kWaiting;
    bool role_known = false;  // no other binary is tried
    bool wrong_role = false;  // its standard error named WRONG_ROLE
    bool asked_to_stop = false;
    std::unique_ptr<uv::ChildProcess> process;
    std::unique_ptr<Probe> probe;
  };

  void spawn(Child& child);
  void take_line(Child& child, std::string_view line);
  void ended(Child& child, uv::ChildExit exit);
  void report_end(const Child& child, uv::ChildExit exit);
  void watch(Child& child);
  void answered(Child& child, const std::optional<wire::StatusResponse>& status);
  void start_others();
  void stop_next();
  void say(const std::string& line);

  uv::UvRuntime& runtime_;
  Output& output_;
  const std::string binaries_;
  std::list<Child> children_;
  runtime::Callback on_end_;
  ExitCode exit_code_ = ExitCode::kOk;
  bool stopping_ = false;
};

}  // namespace aerodb::console
