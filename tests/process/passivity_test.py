"""What only looks or takes leaves no mark: the primary's records, runs and manifest are the same bytes alone and with everybody around."""
import http.client
import json
import random
import threading
import unittest
import urllib.parse

from harness import READY_SECONDS, ROOT, SCHEMA, Cluster, is_built, lines

CLUSTER, LINEAGE, INSTANCE = "c1" * 16, "a1" * 16, "11" * 16
WRITES = 400


class FixedIds(Cluster):
    """Everything that is random elsewhere is given."""

    def init(self):
        self.cluster_id = CLUSTER
        self.aerodb("init", "--config", "p1.toml", "--role", "primary", "--cluster-id", CLUSTER, "--lineage-id", LINEAGE,
                    "--instance-id", INSTANCE, "--reason", "test")
        for name in self.names[1:]:
            self.aerodb("init", "--config", f"{name}.toml", "--role", "replica", "--cluster-id", CLUSTER)


def nobody(cluster, begun, ended):
    begun.set()


def explainer_targets():
    """Every route of the explainer, asked about p1."""
    given = {"node": "p1", "collection": "notes", "id": "n1", "command": "promote",
             "query": json.dumps({"collection": "notes", "schema_version": 1, "where": [], "sort": "_id", "limit": 3})}
    targets = ["/v1/mvcc?node=p1&collection=notes&id=n1"]
    for path, methods in json.loads((ROOT / "docs/openapi/explainer.json").read_text())["paths"].items():
        parameters = [p["name"] for p in methods["get"]["parameters"] if p["required"] or p["name"] == "node"]
        targets.append(path + ("?" + urllib.parse.urlencode({name: given[name] for name in parameters}) if parameters else ""))
    return targets


class PassivityTest(unittest.TestCase):
    def run_once(self, replicas, meanwhile):
        """The same workload of one sequential client with the same checkpoints; what the primary then has on disk. It begins when
        `meanwhile`, which goes on in a thread until `ended`, has set `begun`."""
        cluster = FixedIds(replicas=replicas)
        self.addCleanup(cluster.close)
        for name in cluster.names:
            cluster.start(name)
        if replicas:
            cluster.start_shipper()
        begun, ended = threading.Event(), threading.Event()
        watcher = threading.Thread(target=meanwhile, args=(cluster, begun, ended))
        watcher.start()
        try:
            self.assertTrue(begun.wait(READY_SECONDS))
            self.write_all(cluster)
            if replicas:
                cluster.wait_in_step()
        finally:
            ended.set()
            watcher.join()
        status = cluster.status("p1")
        self.assertEqual(cluster.stop("p1"), 0)
        records = [{k: v for k, v in line.items() if k not in ("segment", "offset", "frame")}
                   for line in lines(cluster.aerodb("wal", "dump", "--data-dir", "p1")) if "lsn" in line and "type" in line]
        files = {path.relative_to(cluster.dir / "p1").as_posix(): path.read_bytes() for path in sorted((cluster.dir / "p1").rglob("*"))
                 if path.is_file() and (path.name == "MANIFEST" or path.suffix == ".run")}
        return status["digest"], records, files

    def write_all(self, cluster):
        choices = random.Random(7)
        live = []
        with cluster.client("p1") as client:
            client.call("schema.register", schema=SCHEMA)
            for number in range(WRITES):
                kind = choices.random()
                if live and kind < 0.3:
                    client.call("doc.update", collection="notes", schema_version=1,
                                document={"_id": choices.choice(live), "rank": number, "text": "t" * choices.randrange(500)})
                elif live and kind < 0.4:
                    client.call("doc.delete", collection="notes", id=live.pop(choices.randrange(len(live))))
                else:
                    live.append(f"n{number}")
                    client.call("doc.insert", collection="notes", schema_version=1, document={"_id": live[-1], "rank": number})
                if number % 100 == 99:
                    cluster.aerodb("checkpoint", "--node", "unix:p1/maintenance.sock", "--reason", "test")

    def test_shipper_replicas_and_observers_change_no_byte_of_the_primary(self):
        def look(cluster, begun, ended):
            begun.set()
            with cluster.client("p1") as client:
                while not ended.wait(0.01):
                    for method in ("status", "observe.wal", "observe.storage", "observe.replication", "observe.stats"):
                        client.call(method)
                    client.call("observe.events", after_number=0, limit=100)
                    client.call("explain.replication")

        self.expect_same_bytes(self.run_once(0, nobody), self.run_once(2, look))

    def test_an_explainer_asked_for_everything_changes_no_byte_of_the_primary(self):
        asked = {}

        def hammer(cluster, begun, ended):
            cluster.write_explainer()
            cluster.start_role("e1", "aerodb-explainer", "e1.toml")
            cluster.wait_listening("e1", cluster.http_port)
            connection = http.client.HTTPConnection("127.0.0.1", cluster.http_port, timeout=30)
            last = False
            while not last:
                last = ended.is_set()
                for target in explainer_targets():
                    connection.request("GET", target)
                    response = connection.getresponse()
                    response.read()
                    asked.setdefault(target, set()).add(response.status)
                begun.set()
            connection.close()

        def idle(cluster, begun, ended):
            cluster.write_explainer()
            cluster.start_role("e1", "aerodb-explainer", "e1.toml")
            begun.set()

        alone = self.run_once(0, nobody)
        self.expect_same_bytes(alone, self.run_once(0, idle))
        self.expect_same_bytes(alone, self.run_once(0, hammer))
        self.assertEqual(asked.keys(), set(explainer_targets()))
        for target, statuses in asked.items():
            self.assertIn(200 if target != "/v1/audit" else 404, statuses, target)

    def expect_same_bytes(self, alone, accompanied):
        self.assertEqual(alone[0], accompanied[0])
        self.assertGreaterEqual(len(alone[1]), WRITES)
        self.assertEqual(alone[1], accompanied[1])
        self.assertIn("MANIFEST", alone[2])
        self.assertEqual(alone[2].keys(), accompanied[2].keys())
        for name, content in alone[2].items():
            self.assertEqual(content, accompanied[2][name], name)


if not is_built("aerodb-explainer"):
    del PassivityTest.test_an_explainer_asked_for_everything_changes_no_byte_of_the_primary


if __name__ == "__main__":
    unittest.main()
