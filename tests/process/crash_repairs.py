"""Work on a replica that is fed, halted, repaired, or goes another way, for the phases of it."""
import hashlib
import json
import os

from crash_victim import FILLED, position_of
from harness import request
from rpc import RpcError

NEWER = {name: rank + 100 for name, rank in FILLED.items()}


def open_session(client, source, node):
    """As a shipper does that ships the log of `node`, whose position is `source`."""
    return client.call("replica.open", shipper="test", shipper_instance=os.urandom(16), source_node=node, source_instance=source["instance"],
                       cluster=source["cluster"], source_durable=source["durable"], ancestry=source["ancestry"])


class Session:
    """What a shipper does, towards a replica: a session that has proven itself."""

    def __init__(self, victim, templates):
        self.source = templates.facts["source"]
        self.client = victim.client("replication.sock")
        self.opened = open_session(self.client, self.source, "p1")
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
                open_session(client, source, "r1")
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
            open_session(client, source, "r1")
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
