"""What only looks or takes leaves no mark: the primary's records, runs and manifest are the same bytes alone and with everybody around."""
import random
import threading
import unittest

from harness import Cluster, SCHEMA, lines

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


class PassivityTest(unittest.TestCase):
    def run_once(self, replicas, meanwhile):
        """The same workload of one sequential client with the same checkpoints; what the primary then has on disk."""
        cluster = FixedIds(replicas=replicas)
        self.addCleanup(cluster.close)
        for name in cluster.names:
            cluster.start(name)
        if replicas:
            cluster.start_shipper()
        ended = threading.Event()
        watcher = threading.Thread(target=meanwhile, args=(cluster, ended))
        watcher.start()
        try:
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
        def look(cluster, ended):
            with cluster.client("p1") as client:
                while not ended.wait(0.01):
                    for method in ("status", "observe.wal", "observe.storage", "observe.replication", "observe.stats"):
                        client.call(method)
                    client.call("observe.events", after_number=0, limit=100)
                    client.call("explain.replication")

        alone = self.run_once(0, lambda cluster, ended: None)
        accompanied = self.run_once(2, look)
        self.assertEqual(alone[0], accompanied[0])
        self.assertGreaterEqual(len(alone[1]), WRITES)
        self.assertEqual(alone[1], accompanied[1])
        self.assertIn("MANIFEST", alone[2])
        self.assertEqual(alone[2].keys(), accompanied[2].keys())
        for name, content in alone[2].items():
            self.assertEqual(content, accompanied[2][name], name)


if __name__ == "__main__":
    unittest.main()
