#!/usr/bin/env python3
"""The real cluster behind the browser tests, on ports of its own. One JSON object a line: what to do comes on standard
input, what there is then goes to standard output. Everything started ends with this process, and it with its input."""
import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "process"))
from harness import SCHEMA, Cluster, request  # noqa: E402
from rpc import Client, RpcError  # noqa: E402


class UiCluster(Cluster):
    """p1, r1, r2, their shipper, the explainer and the control plane that it reads the audit log of."""

    def __init__(self):
        super().__init__(replicas=2, segments=6)
        self.source = "p1"
        self.write_controlplane()
        self.write_explainer()

    def begin(self):
        self.start_all()
        self.start_role("c1", "aerodb-controlplane", "c1.toml")
        self.wait_listening("c1", self.inspect_port)
        self.start_role("e1", "aerodb-explainer", "e1.toml")
        self.wait_listening("e1", self.http_port)
        with self.client("p1") as client:
            client.call("schema.register", schema=SCHEMA)
            for number in range(40):
                self.write_note(client, "insert", number, rank=number % 7, author=f"a{number % 5}", text="x" * 2000)
            for rank in (10, 20, 30):
                self.write_note(client, "update", 1, rank=rank, author="a1", text=f"rank {rank}")
        self.maintain("p1", "checkpoint")
        with self.client("p1") as client:
            client.call("doc.delete", collection="notes", id="n1")
            for number in range(40, 60):
                self.write_note(client, "insert", number, rank=number % 7, author=f"a{number % 5}")
            self.write_note(client, "insert", 1, rank=40, author="a1", text="again")
            for number in range(100, 119):  # beyond the first segment, which the next checkpoint then releases
                self.write_note(client, "insert", number, rank=number % 7, author="a6", text="z" * 1_000_000)
        self.maintain("p1", "snapshot")
        with self.client("p1") as client:
            for number in range(60, 70):
                self.write_note(client, "insert", number, rank=number % 7, author=f"a{number % 5}", text="y" * 2000)
        self.wait_in_step()
        with Client(f"unix:{os.path.relpath(self.dir / 'c1.sock')}") as desk:  # explained and never confirmed
            desk.call("command.explain", command="demote", node="p1", successor="r1", decline=None, reason="to be looked at")

    def write_note(self, client, kind, number, **fields):
        client.call(f"doc.{kind}", collection="notes", schema_version=1, document={"_id": f"n{number}", **fields})

    def maintain(self, node, *arguments):
        self.aerodb(*arguments, "--node", f"unix:{node}/maintenance.sock", "--reason", "test")

    # --- what a test may ask for

    def do_switchover(self, **_):
        """Authority goes from p1 to r1, with the old primary as a replica of it."""
        instance = self.status("r1")["instance"]
        with self.control("p1") as control:
            seal = control.call("control.demote", request=request(1), successor="r1", successor_instance=instance)
        self.wait_applied("r1", seal["seal_lsn"])
        with self.control("r1") as control:
            control.call("control.promote", request=request(2))
        self.stop("s1-from-p1")
        self.stop("p1")
        self.start("p1", binary="aerodb-replica")
        self.write_shipper("s1-from-r1", "r1")
        self.start_shipper("s1-from-r1")
        self.source = "r1"
        self.wait_in_step("r1")

    def do_halt(self, node, **_):
        """A session that has proven itself and then shows another chain halts the replica."""
        with self.replication(self.source) as source:
            position = source.call("wal.position")
        with self.replication(node) as session:
            opened = session.call("replica.open", shipper="test", shipper_instance=os.urandom(16), source_node=self.source,
                                  source_instance=position["instance"], cluster=position["cluster"],
                                  source_durable=position["durable"], ancestry=position["ancestry"])
            shown = {"session": opened["session"], "first_lsn": opened["durable_lsn"] + 1, "count": 0,
                     "source_durable": position["durable"], "records": b""}
            session.call("replica.append", chain_before=opened["chain"], **shown)
            try:
                session.call("replica.append", chain_before=b"\x09" * 16, **shown)
            except RpcError as error:
                assert error.code == "REPLICA_DIVERGED", error
        assert self.status(node)["state"] == "HALTED"

    def do_kill(self, node, **_):
        self.kill(node)


def main():
    cluster = UiCluster()
    try:
        cluster.begin()
        print(json.dumps({"http": f"http://127.0.0.1:{cluster.http_port}"}), flush=True)
        for line in sys.stdin:
            wanted = json.loads(line)
            getattr(cluster, f"do_{wanted.pop('do')}")(**wanted)
            print(json.dumps({"done": True}), flush=True)
    finally:
        cluster.close()


if __name__ == "__main__":
    main()
