#include "controlplane/console/verbs.h"

#include <fmt/format.h>

#include "common/config/program.h"

namespace aerodb::console {
namespace {

class Version final : public Verb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "version", .summary = "Prints the version of this program.", .example = "aerodb version"};
  }
  Result<ExitCode> run(Output& output) override {
    output.line(fmt::format("aerodb {}", config::version()));
    return ExitCode::kOk;
  }
};

}  // namespace

std::unique_ptr<Verb> make_version() { return std::make_unique<Version>(); }

std::unique_ptr<CommandLine> make_command_line() {
  std::vector<Group> groups = {
      {"schema", "Schemas of collections."},
      {"explain", "Why a node answers as it does: rules, evidence, conclusion."},
      {"wal", "The log's files, offline."},
      {"run", "Run files, offline."},
      {"orphans", "What a log holds that the history it will follow does not."},
      {"inspect", "What nodes say of themselves, asked by the control plane."},
  };
  using Maker = std::unique_ptr<Verb> (*)();
  constexpr Maker kMakers[] = {
      make_schema_register,
      make_schema_list,
      make_insert,
      make_update,
      make_delete,
      make_get,
      make_query,
      make_history,
      make_import,
      make_export,
      make_explain_read,
      make_explain_query,
      make_explain_recovery,
      make_explain_checkpoint,
      make_explain_replication,
      make_explain_halt,
      make_explain_promotion,
      make_explain_command,
      make_explain_verify,
      make_init,
      make_status,
      make_stats,
      make_events,
      make_checkpoint,
      make_compact,
      make_snapshot,
      make_gc,
      make_operation,
      make_backup,
      make_restore,
      make_verify,
      make_wal_dump,
      make_wal_verify,
      make_wal_resize,
      make_run_dump,
      make_run_verify,
      make_resume,
      make_bootstrap,
      make_end_lineage,
      make_repair,
      make_orphans_export,
      make_seal,
      make_inspect_cluster,
      make_inspect_node,
      make_inspect_replication,
      make_inspect_promotion,
      make_inspect_authority,
      make_inspect_wal,
      make_inspect_snapshots,
      make_inspect_checkpoints,
      make_demote,
      make_promote,
      make_decline,
      make_diagnose,
      make_confirm,
      make_outcome,
      make_audit,
      make_audit_verify,
      make_timeline,
      make_reconstruct,
      make_local,
      make_shell,
      make_completion,
      make_manual,
      make_version,
  };
  std::vector<std::unique_ptr<Verb>> verbs;
  for (const Maker make : kMakers) verbs.push_back(make());
  return std::make_unique<CommandLine>(std::move(groups), std::move(verbs));
}

}  // namespace aerodb::console
