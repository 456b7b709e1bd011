"""The directories that phases begin with, made once by real processes."""
import json
import os
import signal

from crash_repairs import NEWER, end_lineage, halt
from crash_victim import CHECK_BIN, FILLED, PRIMARY, REPLICA, Victim, copy_directory, position_of, text_of
from harness import SCHEMA, Cluster, request
from rpc import ConnectionLost

SEGMENT_BYTES = 16 << 20
EVENTS_BYTES = 1 << 20
LARGE = 900_000


def insert_large(client, total, field="text"):
    """Documents of so many bytes together."""
    while total > 0:
        size = min(total, LARGE)
        client.call("doc.insert", collection="notes", schema_version=1, document={"_id": f"{field}{total}", "rank": 0, field: "f" * size})
        total -= size


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
