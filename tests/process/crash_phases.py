"""What is done to a node while it is to be killed: the directories it begins with, and the phases of work.

A phase begins with a copy of one template directory. Points of kind `focus` are tried in it at several passages, although
an earlier phase has them too: there they lie within what this phase is about.
"""
import hashlib
import json
import os
import signal
from dataclasses import dataclass
from typing import Callable

from crash_victim import CHECK_BIN, Victim, copy_directory, text_of
from harness import SCHEMA, Cluster
from rpc import ConnectionLost, RpcError

PRIMARY, REPLICA = "aerodb-primary", "aerodb-replica"
SUBMITS = ("segment.submit_write.", "segment.submit_sync.")
SECOND_SCHEMA = {**SCHEMA, "version": 2, "fields": SCHEMA["fields"] + [{"name": "more", "type": "string"}]}
SEGMENT_BYTES = 16 << 20
EVENTS_BYTES = 1 << 20
LARGE = 900_000
FILLED = {f"n{number}": number for number in range(20)}
NEWER = {name: rank + 100 for name, rank in FILLED.items()}


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


def request(number):
    return {"request_id": f"{number:032x}", "operator_name": "tester", "reason": "test", "audit_head": None}


# --- templates


class CheckCluster(Cluster):
    bin = CHECK_BIN


class Templates:
    """Directories as real processes leave them, by name; `facts` of what is in them."""

    def __init__(self, root):
        self.root = root
        self.facts = {}
        self.sources = {}  # nodes that run while others are killed, by template
        cluster = CheckCluster(replicas=2)
        try:
            self.make(cluster)
        finally:
            cluster.close()
        self.make_torn()
        self.make_nearly_full_segment()
        self.make_nearly_full_events()
        self.make_runs()
        self.make_backup()
        self.make_repairs()

    def close(self):
        for source in self.sources.values():
            source.end()

    def __getitem__(self, name):
        return self.root / name

    def keep(self, cluster, **names):
        for template, node in names.items():
            copy_directory(cluster.dir / node, self[template])

    def make(self, cluster):
        self.keep(cluster, fresh="p1")
        cluster.start_all()
        with cluster.client("p1") as client:
            client.call("schema.register", schema=SCHEMA)
            for name, rank in FILLED.items():
                client.call("doc.insert", collection="notes", schema_version=1,
                            document={"_id": name, "rank": rank, "author": "a", "text": "x" * rank})
        cluster.wait_in_step()
        cluster.stop("s1-from-p1")
        with cluster.replication("p1") as source:
            self.facts["source"] = source.call("wal.position")
        for node in cluster.names:
            cluster.kill(node)
        self.keep(cluster, filled="p1", replica="r1", follower="r2")
        cluster.start("p1")
        self.facts["batches"] = list(self.more_records(cluster))
        cluster.start("r1")
        cluster.start_shipper()
        self.facts["successor_instance"] = cluster.status("r1")["instance"]
        with cluster.control("p1") as control:
            seal = control.call("control.demote", request=request(1), successor="r1", successor_instance=self.facts["successor_instance"])
        cluster.wait_applied("r1", seal["seal_lsn"])
        cluster.stop("s1-from-p1")
        for node in ("p1", "r1"):
            cluster.kill(node)
        self.keep(cluster, successor="r1")

    def more_records(self, cluster):
        """Records that the template `replica` lacks, one at a time, as a shipper fetches them."""
        first_lsn = cluster.status("p1")["durable_lsn"] + 1
        with cluster.client("p1") as client, cluster.replication("p1") as source:
            for lsn in range(first_lsn, first_lsn + 8):
                client.call("doc.insert", collection="notes", schema_version=1, document={"_id": f"m{lsn}", "rank": 1, "author": "a", "text": "x"})
                yield source.call("wal.fetch", from_lsn=lsn, max_bytes=1, wait_ms=0)

    def change(self, template, work, point=None, source="filled", node="p1", signal_number=signal.SIGKILL):
        """A template from another, after `work` and a kill, at a crash point or when the work is done."""
        victim = Victim(self.root / f"{template}.work", self[source], node, PRIMARY if node == "p1" else REPLICA)
        victim.start({"AERODB_CRASH_POINT": point} if point else None)
        try:
            with victim.client() as client:
                work(victim, client)
        except ConnectionLost:
            assert point
            victim.ended()
        else:
            assert not point, f"{point} was not passed"
            victim.end(signal_number)
        copy_directory(victim.dir / node, self[template])
        return victim

    def make_torn(self):
        def write(victim, client):
            for number in range(3):
                victim.write(client, f"t{number}", 480 + number)
        self.change("torn", write, "segment.submit_write.half@3")

    def make_nearly_full_segment(self):
        """The second of three more large documents begins the next segment; in `ring_passed` it is the first one again."""
        self.change("nearly_full", lambda victim, client: insert_large(client, SEGMENT_BYTES - LARGE))

        def pass_ring(victim, client):
            insert_large(client, 70 * LARGE)  # 18 fill a segment
            victim.operation("storage.checkpoint", request=request(1), merge=False)
            insert_large(client, 2 * LARGE, "author")
        self.change("ring_passed", pass_ring)

    def make_nearly_full_events(self):
        """The next start's events make a new file of events."""
        copy_directory(self["filled"], self["many_events"])
        path = self["many_events"] / "events.jsonl"
        lines = path.read_text().splitlines()
        last = json.loads(lines[-1])
        while sum(map(len, lines)) + len(lines) < EVENTS_BYTES - 400:
            last["number"] += 1
            lines += [json.dumps(last, separators=(",", ":"))]
        path.write_text("\n".join(lines) + "\n")


    def make_runs(self):
        """Three runs of small documents, and a fourth one not finished; more index entries than a run sorts in memory."""
        def three_runs(victim, client):
            for number in range(3):
                for name in FILLED:
                    client.call("doc.update", collection="notes", schema_version=1,
                                document={"_id": name, "rank": FILLED[name], "author": f"{number}", "text": text_of(FILLED[name])})
                victim.operation("storage.checkpoint", request=request(number), merge=False)
            client.call("doc.insert", collection="notes", schema_version=1, document={"_id": "new", "rank": 1, "author": "a", "text": "x"})
        self.change("three_runs", three_runs)
        self.change("stray_run", lambda victim, client: victim.operation("storage.checkpoint", request=request(9), merge=False),
                    "manifest.rename.before", "three_runs")

        def large_index(victim, client):
            for number, size in enumerate((18 << 20, 1)):
                insert_large(client, size, "author")
                victim.operation("storage.checkpoint", request=request(number), merge=False)
        self.change("large_index", large_index)

    def make_backup(self):
        victim = Victim(self.root / "backup.work", self["three_runs"], "p1", PRIMARY)
        victim.command("backup", "--output", self.root / "backup.tar", "--data-dir", "p1")
        self.backup = self.root / "backup.tar"


    def make_repairs(self):
        """A source with documents of its own, in runs of several pieces; a replica that has all that an install takes away; one
        that halted; and a replica that went on in a lineage of its own."""
        def take_over(victim, client):
            for name in FILLED:
                victim.send_write(client, name, NEWER[name])
                client.receive()
            for number in range(3):
                text = os.urandom(LARGE // 2).hex()
                client.call("doc.insert", collection="notes", schema_version=1, document={"_id": f"f{number}", "rank": 0, "text": text})
            for number in range(2):
                victim.operation("storage.checkpoint", request=request(number), merge=False)
                client.call("doc.insert", collection="notes", schema_version=1,
                            document={"_id": f"g{number}", "rank": 0, "author": "a", "text": "x"})
            victim.operation("storage.checkpoint", request=request(2), merge=False)
        self.change("ahead", lambda victim, client: (setattr(victim, "documents", dict(FILLED)), take_over(victim, client)))

        def keep_runs(victim, client):
            victim.operation("storage.checkpoint", request=request(1), merge=False)
            self.facts["old"] = position_of(client.call("status"))
        behind = self.change("behind", keep_runs, source="replica", node="r1", signal_number=signal.SIGTERM)
        behind.command("orphans", "export", "--data-dir", "r1", "--fork", self.facts["old"][0] - 1, "orphans.jsonl")
        copy_directory(behind.dir / "r1/authority/orphans", self["behind"] / "authority/orphans")
        self.change("halted", lambda victim, client: halt(victim, self), source="replica", node="r1")
        self.change("other_lineage", lambda victim, client: end_lineage(victim, self), source="replica", node="r1")
        self.facts["new"] = self.start_source("ahead", "p1")
        self.start_source("other_lineage", "r1")
        with self.sources["other_lineage"].client("replication.sock") as client:
            self.facts["other_lineage"] = client.call("wal.position")

    def start_source(self, template, node):
        source = self.sources[template] = Victim(self.root / f"{template}.source", self[template], node, PRIMARY if node == "p1" else REPLICA)
        source.start()
        with source.client() as client:
            return position_of(client.call("status"))

    def address(self, template):
        return f"unix:{self.sources[template].dir / 'replication.sock'}"


def position_of(status):
    return status["durable_lsn"], status["chain"], status["digest"]


def insert_large(client, total, field="text"):
    """Documents of so many bytes together."""
    while total > 0:
        size = min(total, LARGE)
        client.call("doc.insert", collection="notes", schema_version=1, document={"_id": f"{field}{total}", "rank": 0, field: "f" * size})
        total -= size


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


def promote(victim, _):
    victim.documents = dict(FILLED)
    victim.control("control.promote", request=request(2))
    victim.promise("promoted", lambda status, client: (status["role"], status["epoch"]) == ("primary", 2))
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


class Session:
    """What a shipper does, towards a replica: a session that has proven itself."""

    def __init__(self, victim, templates):
        self.source = templates.facts["source"]
        self.client = victim.client("replication.sock")
        self.opened = self.client.call("replica.open", shipper="test", shipper_instance=os.urandom(16), source_node="p1",
                                       source_instance=self.source["instance"], cluster=self.source["cluster"],
                                       source_durable=self.source["durable"], ancestry=self.source["ancestry"])
        self.append(self.opened["durable_lsn"] + 1, self.opened["chain"])

    def append(self, first_lsn, chain_before, count=0, records=b""):
        return self.client.call("replica.append", session=self.opened["session"], first_lsn=first_lsn, chain_before=chain_before, count=count,
                                source_durable=self.source["durable"], records=records)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()


def take_records(victim, templates):
    victim.documents = dict(FILLED)
    with Session(victim, templates) as session:
        for batch in templates.facts["batches"]:
            answer = session.append(batch["first_lsn"], batch["chain_before"], batch["count"], batch["records"])
            lsn = answer["durable_lsn"]
            assert lsn == batch["first_lsn"]
            victim.promise(f"LSN {lsn} is durable", lambda status, client, lsn=lsn: status["durable_lsn"] >= lsn)


def halt(victim, templates):
    """Its source shows another chain."""
    victim.documents = dict(FILLED)
    with Session(victim, templates) as session:
        try:
            session.append(session.opened["durable_lsn"] + 1, b"\x09" * 16)
        except RpcError as error:
            assert error.code == "REPLICA_DIVERGED", error
    victim.promise("halted", lambda status, client: (status["state"], status["halt_rule"]) == ("HALTED", "REPL-1"))


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


def take_snapshot(victim, templates):
    """Unless it has it."""
    new = templates.facts["new"]
    with victim.client() as client:
        has_it = position_of(client.call("status")) == new
    if not has_it:
        victim.repair("replica.bootstrap", request=request(1), source=templates.address("ahead"), discard=True, phrase="discard the history of r1")
    victim.promise("the new state", lambda status, client: position_of(status) == new)


def bootstrap(victim, templates):
    victim.documents, victim.unanswered = dict(FILLED), dict(NEWER)
    old, new = templates.facts["old"], templates.facts["new"]

    def of_one_state(status, client):
        documents = {name: victim.read(client, name) for name in FILLED}
        return (position_of(status), documents) in ((old, FILLED), (new, NEWER))
    victim.promise("the old state or the new one", of_one_state)
    take_snapshot(victim, templates)


def bootstrap_halted(victim, templates):
    victim.documents, victim.unanswered = dict(FILLED), dict(NEWER)
    new = templates.facts["new"]
    victim.promise("halted, or the new state", lambda status, client: status["state"] == "HALTED" or position_of(status) == new)
    take_snapshot(victim, templates)


def resume(victim, templates):
    victim.documents = dict(FILLED)
    end = templates.facts["source"]["durable"]["lsn"]
    victim.promise("the whole log, halted or not", lambda status, client: status["state"] in ("HALTED", "READY") and status["durable_lsn"] == end)
    with victim.client() as client:
        halted = client.call("status")["state"] == "HALTED"
    if halted:
        victim.repair("replica.resume", request=request(1), source=templates.address("ahead"))
    victim.promise("halted no more", lambda status, client: status["state"] == "READY")


def accept_lineage(victim, templates):
    """Once answered, a source of the other lineage is followed."""
    victim.documents = dict(FILLED)
    source = templates.facts["other_lineage"]

    def follows(*_):
        with victim.client("replication.sock") as client:
            try:
                client.call("replica.open", shipper="test", shipper_instance=os.urandom(16), source_node="r1",
                            source_instance=source["instance"], cluster=source["cluster"], source_durable=source["durable"],
                            ancestry=source["ancestry"])
            except RpcError as error:
                assert error.code == "LINEAGE_CHANGED", error
                return False
        return True
    if not follows():
        victim.repair("replica.resume", request=request(1), accept_lineage=source["ancestry"][-1]["lineage"],
                      source=templates.address("other_lineage"))
    victim.promise("follows the other lineage", follows)


def end_lineage(victim, templates):
    victim.documents = dict(FILLED)
    source = templates.facts["source"]
    end, lineage = source["durable"]["lsn"], source["ancestry"][-1]["lineage"]

    def before_or_after(status, _):
        if status["role"] == "replica":
            return (status["durable_lsn"], status["lineage"]) == (end, lineage)
        return status["role"] == "primary" and status["durable_lsn"] > end and status["lineage"] != lineage
    victim.promise("a replica still, or primary of a lineage of its own", before_or_after)
    with victim.client("r1/maintenance.sock") as client:
        ended = client.call("node.end_lineage", request=request(5), lost="p1", absent=[], peers=[], phrase="end the lineage of p1",
                            loss_phrase=f"give up what p1 acknowledged after LSN {end}")
    victim.promise("primary of the lineage that was answered",
                   lambda status, client: (status["role"], status["lineage"]) == ("primary", ended["lineage"]))
    with victim.client() as client:
        victim.write(client, "n1", 5)


def fence(victim, templates):
    """It hears of a lineage that goes on elsewhere."""
    victim.documents = dict(FILLED)
    source = templates.facts["other_lineage"]
    with victim.client("replication.sock") as client:
        try:
            client.call("replica.open", shipper="test", shipper_instance=os.urandom(16), source_node="r1", source_instance=source["instance"],
                        cluster=source["cluster"], source_durable=source["durable"], ancestry=source["ancestry"])
        except RpcError as error:
            assert error.code == "FENCED", error
    victim.promise("fenced", lambda status, client: status["fenced_by_lineage"] == source["ancestry"][-1]["lineage"])


def seal(victim, templates):
    """On a log with a torn end."""
    victim.documents = {**FILLED, "t0": 480, "t1": 481}
    end = templates.facts["source"]["durable"]["lsn"] + 2
    victim.promise("the log ends with the seal or without it", lambda status, client:
                   (status["role"], status["durable_lsn"], status["seal_lsn"]) in (("primary", end, None), ("sealed", end + 1, end + 1)))
    victim.command("seal", "--data-dir", "p1", "--to", "r1", "--instance", templates.facts["successor_instance"].hex(), "--reason", "test")
    victim.promise("sealed", lambda status, client: status["role"] == "sealed")


def export_orphans(victim, templates):
    victim.documents = dict(FILLED)
    for left in victim.dir.glob("orphans.jsonl*"):
        left.unlink()
    fork = templates.facts["source"]["durable"]["lsn"]
    victim.command("orphans", "export", "--data-dir", "p1", "--fork", fork, "orphans.jsonl")
    assert (victim.dir / "p1/authority/orphans").exists()
    verify_export(victim)


def verify_export(victim):
    """An export that has its name is a whole one, and one that is noted down has its name."""
    file, marker = victim.dir / "orphans.jsonl", victim.dir / "p1/authority/orphans"
    if file.exists():
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        assert [line["line"] for line in lines] == ["orphans"] + ["version"] * (3 * len(FILLED) + 1) + ["summary"], lines
        assert lines[-1]["versions"] == len(lines) - 2, lines[-1]
    if marker.exists():
        assert hashlib.sha256(file.read_bytes()).digest() in marker.read_bytes()


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
    Phase("promote", promote, "successor", "r1", REPLICA, focus=SUBMITS, passages=(1, 2)),
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
    Phase("end_lineage", end_lineage, "replica", "r1", REPLICA, again=True, focus=SUBMITS, passages=(1, 2)),
    Phase("seal", seal, "torn", command=True, again=True, focus=("segment.write.", "segment.sync."), passages=(1, 2, 3),
          must=("quarantine.rename.after", "segment.write.half", "clean_stop.rename.before")),
    Phase("orphans", export_orphans, "three_runs", command=True, again=True, look_closer=verify_export, focus=("export.", "partial."),
          must=("partial.write.half", "export.rename.after", "orphans.rename.before", "authority_directory.sync_directory.after")),
]
