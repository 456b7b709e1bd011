"""kill -9 under write load, of the primary and of every role: nothing acknowledged is lost, nothing half is seen, no restart is
refused."""
import os
import random
import threading
import time
import unittest

from harness import ClusterTest, is_built, wait_until
from rpc import ConnectionLost, RpcError

KILLS = int(os.environ.get("AERODB_KILLS", "25"))
SECONDS = float(os.environ.get("AERODB_KILL_SECONDS", "8"))  # of killing any role
WRITERS = 4


class Writer(threading.Thread):
    """Inserts and updates its own documents; remembers what was acknowledged, what may have happened, and refusals."""

    def __init__(self, test, number):
        super().__init__(daemon=True)
        self.test, self.number = test, number
        self.acknowledged = {}  # id -> (commit, rank), newest acknowledged
        self.maybe = {}         # id -> ranks whose outcome is unknown
        self.relied_on = {}     # id -> least commit that a refusal rested on
        self.receipt = None
        self.stop = threading.Event()
        self.problems = []

    def run(self):
        count = 0
        while not self.stop.is_set():
            try:
                with self.test.cluster.client("p1") as client:
                    while not self.stop.is_set():
                        count += 1
                        self.write(client, count)
                        time.sleep(0.002)  # the ring must last until it is released
            except (OSError, ConnectionLost):
                time.sleep(0.01)
            except RpcError as error:
                if error.code not in ("NOT_READY", "OUTCOME_UNKNOWN"):
                    self.problems.append(error)
                    return
                time.sleep(0.01)

    def write(self, client, count):
        name = f"w{self.number}-{count % 50}"
        method = "doc.update" if name in self.acknowledged else "doc.insert"
        document = {"_id": name, "rank": count, "author": f"a{self.number}", "text": "x" * (count % 400)}
        params = {"collection": "notes", "schema_version": 1, "document": document}
        if self.receipt:
            params["receipt"] = self.receipt
        try:
            answer = client.call(method, **params)
        except ConnectionLost:
            self.maybe.setdefault(name, set()).add(count)
            raise
        except RpcError as error:
            if error.code == "OUTCOME_UNKNOWN":
                self.maybe.setdefault(name, set()).add(count)
                raise
            if error.code == "DOCUMENT_EXISTS" and name in self.maybe:
                # An insert whose answer was lost did happen, and this refusal says that it is durable.
                self.relied_on[name] = int(error.details["commit_id"])
                self.acknowledged[name] = (int(error.details["commit_id"]), None)
                return
            raise
        self.receipt = answer["receipt"]
        self.acknowledged[name] = (answer["receipt"]["commit_id"], count)
        self.maybe.pop(name, None)


class KillTest(ClusterTest):
    def test_nothing_acknowledged_is_lost(self):
        writers = [Writer(self, n) for n in range(WRITERS)]
        for writer in writers:
            writer.start()
        chooser = random.Random(os.environ.get("AERODB_SEED", "1"))
        for round_number in range(KILLS):
            time.sleep(chooser.random() * 0.15)
            self.cluster.kill("p1")
            self.cluster.start("p1")  # fails here if a restart is refused
            with self.subTest(kill=round_number):
                self.check(writers)
        for writer in writers:
            writer.stop.set()
        for writer in writers:
            writer.join(30)
            self.assertEqual(writer.problems, [])
        self.cluster.wait_in_step()
        self.check_replicas()

    def test_any_role_may_die_at_any_moment(self):
        self.cluster.write_explainer()
        self.cluster.write_controlplane()
        services = {"s1-from-p1": lambda: self.cluster.start_shipper(),
                    "c1": lambda: self.cluster.start_role("c1", "aerodb-controlplane", "c1.toml")}
        if is_built("aerodb-explainer"):
            services["e1"] = lambda: self.cluster.start_role("e1", "aerodb-explainer", "e1.toml")
        for name in services.keys() - {"s1-from-p1"}:
            services[name]()
        writers = [Writer(self, n) for n in range(WRITERS)]
        for writer in writers:
            writer.start()
        chooser = random.Random(os.environ.get("AERODB_SEED", "2"))
        killed = dict.fromkeys([*self.cluster.names, *services], 0)
        end = time.monotonic() + SECONDS
        while time.monotonic() < end or not all(killed.values()):
            time.sleep(chooser.random() * 0.1)
            name = chooser.choice(list(killed))
            killed[name] += 1
            self.cluster.kill(name)
            services.get(name, lambda: self.cluster.start(name))()
            if sum(killed.values()) % 20 == 0:
                self.check(writers)
                for node in self.cluster.names:  # so that the rings last
                    self.cluster.aerodb("checkpoint", "--node", f"unix:{node}/maintenance.sock", "--reason", "test", check=False)
        for writer in writers:
            writer.stop.set()
        for writer in writers:
            writer.join(30)
            self.assertEqual(writer.problems, [])
        self.check(writers)
        self.cluster.wait_in_step()
        self.check_replicas()

    def check(self, writers):
        with self.cluster.client("p1") as client:
            for writer in writers:
                for name, (commit, rank) in list(writer.acknowledged.items()):
                    answer = client.call("doc.get", collection="notes", id=name, schema_version=1)
                    version = answer["data"]["version"]
                    self.assertIsNotNone(version, f"{name}, acknowledged at commit {commit}, is gone")
                    self.assertGreaterEqual(version["commit_id"], commit, f"{name} went back behind commit {commit}")
                    document = version["document"]
                    self.assertEqual(len(document["text"]), document["rank"] % 400, f"{name} is not whole")
                    if version["commit_id"] == commit and rank is not None:
                        self.assertEqual(document["rank"], rank)

    def check_replicas(self):
        primary = self.cluster.status("p1")
        for name in ("r1", "r2"):
            def same(name=name):
                status = self.cluster.status(name)
                return status["durable_lsn"] == primary["durable_lsn"] and status
            status = wait_until(same, f"{name} in step")
            self.assertEqual(status["state"], "READY")
            self.assertEqual(status["chain"], primary["chain"])
            self.assertEqual(status["digest"], primary["digest"])


if __name__ == "__main__":
    unittest.main()
