"""What is done to a node while it is to be killed: the phases of work.

A phase begins with a copy of one template directory. Points of kind `focus` are tried in it at several passages, although
an earlier phase has them too: there they lie within what this phase is about.
"""
import signal
from dataclasses import dataclass
from typing import Callable

from crash_repairs import (accept_lineage, bootstrap, bootstrap_halted, end_lineage, export_orphans, fence, halt, resume, seal,
                           take_records, verify_export)
from crash_templates import SEGMENT_BYTES
from crash_victim import FILLED, PRIMARY, REPLICA
from harness import SCHEMA, request
from rpc import ConnectionLost, RpcError

SUBMITS = ("segment.submit_write.", "segment.submit_sync.")
SECOND_SCHEMA = {**SCHEMA, "version": 2, "fields": SCHEMA["fields"] + [{"name": "more", "type": "string"}]}


@dataclass
class Phase:
    name: str
    work: Callable
    template: str | None
    node: str = "p1"
    binary: str = PRIMARY
    focus: tuple = ()  # beginnings of points
    passages: tuple = (1,)  # at which those are tried
    must: tuple = ()  # points that this phase is known to pass
    command: bool = False  # the process to be killed is `aerodb`; a node is started by `work` alone
    may_refuse: tuple = ()  # exit codes with which a restart may refuse the directory
    look_closer: Callable | None = None  # what each restart looks at beside the node
    once_more: Callable | None = None  # what makes a node of a directory that was refused
    again: bool = False  # the same work can be done once more, and then gets through


# --- work


def init(victim, _):
    victim.command("init", "--config", "node.toml", "--role", "primary", "--segments", 4, "--segment-bytes", SEGMENT_BYTES)
    victim.promise("init was answered", lambda status, client: status["role"] == "primary")


def register_schemas(victim, _):
    with victim.client() as client:
        for number, schema in enumerate((SCHEMA, SECOND_SCHEMA), 1):
            client.call("schema.register", schema=schema)
            victim.promise(f"{number} schemas", lambda status, client, n=number: len(client.call("schema.list")["schemas"]) >= n)
        victim.write(client, "a", 1)


def write(victim, _):
    victim.documents = dict(FILLED)
    with victim.client() as client:
        for number in range(12):
            victim.write(client, f"n{number}", 100 + number)
            victim.write(client, f"w{number}", 300 + number)
            victim.write(client, f"n{number}", None)
        victim.burst(client, {f"b{number}": 200 + number for number in range(40)})


def recover(victim, _):
    victim.documents = dict(FILLED)


def roll_segment(victim, _):
    victim.documents = dict(FILLED)
    with victim.client() as client:
        for number in range(3):
            name = f"large{number}"
            client.call("doc.insert", collection="notes", schema_version=1, document={"_id": name, "rank": 0, "author": "l" * 400_000, "text": ""})
            victim.documents[name] = 0


def stop(victim, _):
    victim.documents = dict(FILLED)
    with victim.client() as client:
        victim.write(client, "n1", 77)
    victim.process.send_signal(signal.SIGTERM)
    if victim.process.wait() == 0:
        return
    raise ConnectionLost("it did not stop in order")


def demote(victim, templates):
    victim.documents = dict(FILLED)
    instance = templates.facts["successor_instance"]
    seal = victim.control("control.demote", request=request(1), successor="r1", successor_instance=instance)
    victim.promise("sealed", lambda status, client: (status["role"], status["seal_lsn"]) == ("sealed", seal["seal_lsn"]))


def granted(client):
    return client.call("explain.promotion")["explanation"]["conclusion"]["status"] == "granted"


def promote(victim, _):
    victim.documents = dict(FILLED)
    victim.control("control.promote", request=request(2))
    victim.promise("promoted", lambda status, client: (status["role"], status["epoch"]) == ("primary", 2))
    victim.promise("what it was decided on is kept", lambda status, client: granted(client))
    with victim.client() as client:
        victim.write(client, "n1", 5)


def decline(victim, _):
    victim.documents = dict(FILLED)
    victim.control("control.decline", request=request(3))

    def declined(*_):
        try:
            victim.control("control.promote", request=request(4))
        except RpcError as error:
            return error.code == "PROMOTION_DENIED"
        return False
    victim.promise("declined", declined)


def checkpoint(victim, _, merge=True):
    victim.documents = dict(FILLED)
    with victim.client() as client:
        victim.write(client, "n1", 41)
        victim.operation("storage.checkpoint", request=request(1), merge=merge)
        victim.write(client, "n2", 42)


def compact(victim, _):
    victim.documents = dict(FILLED)
    victim.operation("storage.compact", request=request(1))


def snapshot(victim, _):
    victim.documents = dict(FILLED)
    victim.operation("storage.snapshot", request=request(1), name="kept")
    victim.promise("a whole snapshot", lambda status, client: client.call("observe.storage")["snapshots"] == [{"name": "kept", "complete": True}])


def raise_floor(victim, _):
    victim.documents = dict(FILLED)
    with victim.client() as client:
        floor = client.call("status")["commit_id"]
    with victim.client("p1/maintenance.sock") as client:
        client.call("storage.gc", request=request(1), floor=floor, phrase=f"drop history below {floor}")
    victim.promise("the floor", lambda status, client: status["floor"] == floor)
    victim.operation("storage.compact", request=request(2))


def resize(victim, _):
    victim.documents = dict(FILLED)
    victim.command("wal", "resize", "--config", "node.toml", "--segments", 5, "--segment-bytes", SEGMENT_BYTES)


def configure_new_size(victim, _):
    """The configuration has the old size until the ring has the new one."""
    victim.configure(segments=5)


def backup(victim, _):
    victim.documents = dict(FILLED)
    victim.command("backup", "--output", "backup.tar", "--data-dir", "p1")


def backup_online(victim, _):
    victim.documents = dict(FILLED)
    with victim.client() as client:
        victim.write(client, "n1", 41)
    victim.command("backup", "--output", "backup.tar", "--node", "unix:p1/maintenance.sock")


def verify_backup(victim):
    """A backup that has its name is a whole one."""
    if (victim.dir / "backup.tar").exists():
        victim.command("verify", "backup.tar", "--level", "replay")


def restore(victim, templates):
    victim.documents = dict(FILLED)
    victim.command("restore", "--input", templates.backup, "--config", "node.toml")


PHASES = [
    Phase("init", init, None, command=True, may_refuse=(78,),
          must=("node.rename.before", "segment.fill_zero.half", "wal_directory.sync_directory.after")),
    Phase("register_schemas", register_schemas, "fresh", must=("events.create.after", "segment.submit_write.half", "segment.submit_sync.after")),
    Phase("write", write, "filled", focus=SUBMITS, passages=(1, 7, 20), must=("segment.write.half", "segment.sync.before")),
    Phase("recover_torn_tail", recover, "torn", must=("quarantine.rename.before", "quarantine_directory.make_directory.before")),
    Phase("roll_segment", roll_segment, "nearly_full", focus=SUBMITS, passages=(1, 2, 3)),
    Phase("rotate_events", recover, "many_events", must=("events.rename.before",)),
    Phase("stop", stop, "filled", must=("clean_stop.rename.after",)),
    Phase("demote", demote, "filled", focus=SUBMITS),
    Phase("promote", promote, "successor", "r1", REPLICA, focus=(*SUBMITS, "decision."), passages=(1, 2), must=("decision.rename.before",)),
    Phase("decline", decline, "successor", "r1", REPLICA, must=("decline.rename.before", "authority_directory.sync_directory.after")),
    Phase("take_records", take_records, "replica", "r1", REPLICA, focus=SUBMITS, passages=(1, 4)),
    Phase("checkpoint", checkpoint, "filled", focus=SUBMITS,
          must=("manifest.rename.before", "run.sync.after", "runs_directory.sync_directory.before")),
    Phase("merge", checkpoint, "three_runs", focus=("manifest.",), passages=(1, 2), must=("run.remove.before", "run.read.before")),
    Phase("checkpoint_again", checkpoint, "stray_run", must=("run.remove.after",)),
    Phase("sort_on_disk", compact, "large_index", must=("run_sort.write.half", "run_sort.remove.before")),
    Phase("compact", compact, "three_runs", focus=("manifest.rename.", "run.remove.")),
    Phase("snapshot", snapshot, "three_runs",
          must=("snapshot_run.link.after", "snapshot_manifest.rename.before", "snapshots_directory.sync_directory.after")),
    Phase("raise_floor", raise_floor, "three_runs", focus=SUBMITS),
    Phase("reuse_segment", roll_segment, "ring_passed", focus=SUBMITS, passages=(1, 2, 3)),
    Phase("resize", resize, "filled", command=True, may_refuse=(65,), once_more=configure_new_size, must=("wal_directory.rename.before",)),
    Phase("backup", backup, "three_runs", command=True, look_closer=verify_backup, must=("partial.write.half", "backup.rename.after")),
    Phase("backup_online", backup_online, "three_runs", look_closer=verify_backup),
    Phase("restore", restore, None, command=True, may_refuse=(78,), once_more=restore,
          must=("node.rename.before", "manifest.rename.after", "runs_directory.rename.before", "partial.remove.after")),
    Phase("halt", halt, "replica", "r1", REPLICA, must=("halt.rename.after",)),
    Phase("resume", resume, "halted", "r1", REPLICA, again=True, focus=("halt.",), must=("halt.remove.before",)),
    Phase("accept_lineage", accept_lineage, "follower", "r2", REPLICA, again=True, must=("accepted.rename.before",)),
    Phase("fence", fence, "filled", again=True, must=("fenced.rename.before",)),
    Phase("bootstrap", bootstrap, "behind", "r1", REPLICA, again=True, passages=(1, 2),
          focus=("manifest.rename.", "manifest.remove.", "node.rename.", "run.write.", "runs_directory.rename.", "wal_directory.rename."),
          must=("install.rename.before", "source.write.half", "run.write.half", "segment.remove.after", "clean_stop.remove.before",
                "orphans.remove.after", "runs_directory.rename.before", "partial.remove.after", "install.remove.before")),
    Phase("bootstrap_halted", bootstrap_halted, "halted", "r1", REPLICA, again=True, focus=("halt.", "install."),
          must=("halt.remove.after", "install.remove.before")),
    Phase("end_lineage", end_lineage, "replica", "r1", REPLICA, again=True, focus=SUBMITS, passages=(1, 2), must=("decision.rename.before",)),
    Phase("seal", seal, "torn", command=True, again=True, focus=("segment.write.", "segment.sync."), passages=(1, 2, 3),
          must=("quarantine.rename.after", "segment.write.half", "clean_stop.rename.before")),
    Phase("orphans", export_orphans, "three_runs", command=True, again=True, look_closer=verify_export, focus=("export.", "partial."),
          must=("partial.write.half", "export.rename.after", "orphans.rename.before", "authority_directory.sync_directory.after")),
]
