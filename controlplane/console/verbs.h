// Every verb of the program, one maker a verb. Order here is the order of --help and of docs/command-reference.md.
#pragma once

#include <memory>
#include <vector>

#include "controlplane/console/command_line.h"

namespace aerodb::console {

// data/
[[nodiscard]] std::unique_ptr<Verb> make_schema_register();
[[nodiscard]] std::unique_ptr<Verb> make_schema_list();
[[nodiscard]] std::unique_ptr<Verb> make_insert();
[[nodiscard]] std::unique_ptr<Verb> make_update();
[[nodiscard]] std::unique_ptr<Verb> make_delete();
[[nodiscard]] std::unique_ptr<Verb> make_get();
[[nodiscard]] std::unique_ptr<Verb> make_query();
[[nodiscard]] std::unique_ptr<Verb> make_history();
[[nodiscard]] std::unique_ptr<Verb> make_import();
[[nodiscard]] std::unique_ptr<Verb> make_export();

// explain/
[[nodiscard]] std::unique_ptr<Verb> make_explain_read();
[[nodiscard]] std::unique_ptr<Verb> make_explain_query();
[[nodiscard]] std::unique_ptr<Verb> make_explain_recovery();
[[nodiscard]] std::unique_ptr<Verb> make_explain_checkpoint();
[[nodiscard]] std::unique_ptr<Verb> make_explain_replication();
[[nodiscard]] std::unique_ptr<Verb> make_explain_halt();
[[nodiscard]] std::unique_ptr<Verb> make_explain_promotion();
[[nodiscard]] std::unique_ptr<Verb> make_explain_command();
[[nodiscard]] std::unique_ptr<Verb> make_explain_verify();

// node/
[[nodiscard]] std::unique_ptr<Verb> make_init();
[[nodiscard]] std::unique_ptr<Verb> make_status();
[[nodiscard]] std::unique_ptr<Verb> make_stats();
[[nodiscard]] std::unique_ptr<Verb> make_events();

// storage/
[[nodiscard]] std::unique_ptr<Verb> make_checkpoint();
[[nodiscard]] std::unique_ptr<Verb> make_compact();
[[nodiscard]] std::unique_ptr<Verb> make_snapshot();
[[nodiscard]] std::unique_ptr<Verb> make_gc();
[[nodiscard]] std::unique_ptr<Verb> make_operation();
[[nodiscard]] std::unique_ptr<Verb> make_backup();
[[nodiscard]] std::unique_ptr<Verb> make_restore();
[[nodiscard]] std::unique_ptr<Verb> make_verify();
[[nodiscard]] std::unique_ptr<Verb> make_wal_dump();
[[nodiscard]] std::unique_ptr<Verb> make_wal_verify();
[[nodiscard]] std::unique_ptr<Verb> make_wal_resize();
[[nodiscard]] std::unique_ptr<Verb> make_run_dump();
[[nodiscard]] std::unique_ptr<Verb> make_run_verify();

// repair/
[[nodiscard]] std::unique_ptr<Verb> make_resume();
[[nodiscard]] std::unique_ptr<Verb> make_bootstrap();
[[nodiscard]] std::unique_ptr<Verb> make_end_lineage();
[[nodiscard]] std::unique_ptr<Verb> make_repair();
[[nodiscard]] std::unique_ptr<Verb> make_orphans_export();
[[nodiscard]] std::unique_ptr<Verb> make_seal();

// control/
[[nodiscard]] std::unique_ptr<Verb> make_inspect_cluster();
[[nodiscard]] std::unique_ptr<Verb> make_inspect_node();
[[nodiscard]] std::unique_ptr<Verb> make_inspect_replication();
[[nodiscard]] std::unique_ptr<Verb> make_inspect_promotion();
[[nodiscard]] std::unique_ptr<Verb> make_inspect_authority();
[[nodiscard]] std::unique_ptr<Verb> make_inspect_wal();
[[nodiscard]] std::unique_ptr<Verb> make_inspect_snapshots();
[[nodiscard]] std::unique_ptr<Verb> make_inspect_checkpoints();
[[nodiscard]] std::unique_ptr<Verb> make_demote();
[[nodiscard]] std::unique_ptr<Verb> make_promote();
[[nodiscard]] std::unique_ptr<Verb> make_decline();
[[nodiscard]] std::unique_ptr<Verb> make_diagnose();
[[nodiscard]] std::unique_ptr<Verb> make_confirm();
[[nodiscard]] std::unique_ptr<Verb> make_outcome();
[[nodiscard]] std::unique_ptr<Verb> make_audit();
[[nodiscard]] std::unique_ptr<Verb> make_audit_verify();
[[nodiscard]] std::unique_ptr<Verb> make_timeline();
[[nodiscard]] std::unique_ptr<Verb> make_reconstruct();

// local/
[[nodiscard]] std::unique_ptr<Verb> make_local();

// shell/
[[nodiscard]] std::unique_ptr<Verb> make_shell();
[[nodiscard]] std::unique_ptr<Verb> make_completion();
[[nodiscard]] std::unique_ptr<Verb> make_manual();

[[nodiscard]] std::unique_ptr<Verb> make_version();

// The program with all of these.
[[nodiscard]] std::unique_ptr<CommandLine> make_command_line();

}  // namespace aerodb::console
