"""Storage operations of real nodes by the console's verbs: checkpoint, compact, snapshot, gc, the ring's size, and the
offline tools over what they left."""
import json
import unittest

from harness import ClusterTest, OneNodeTest, RpcError, lines, wait_until

CONFIG = ("--config", "p1.toml")


class StorageTest(OneNodeTest):
    def verb(self, *arguments, **options):
        return self.cluster.aerodb(*arguments, *CONFIG, **options)

    def answer(self, *arguments):
        return json.loads(self.verb(*arguments, "-o", "json").stdout)

    def storage(self):
        with self.cluster.client("p1") as client:
            return client.call("observe.storage")

    def picture(self):
        with self.cluster.client("p1") as client:
            documents = [self.get(client, number, at_commit=None)["data"] for number in range(0, 60, 7)]
            found = client.call("doc.query", collection="notes", schema_version=1, where=[], sort="author", limit=50)["data"]
            return documents, [v["document"] for v in found["versions"]], client.call("status")["digest"]

    def test_a_checkpoint_shortens_recovery_and_changes_no_answer(self):
        self.fill(0, 60)
        before = self.picture()
        operation = self.answer("checkpoint")
        self.assertEqual((operation["kind"], operation["stage"]), ("checkpoint", "done"))
        self.assertEqual(self.picture(), before)
        self.fill(60, 63)
        after = self.picture()
        self.cluster.kill("p1")
        self.cluster.start("p1")
        self.assertEqual(self.picture(), after)
        metrics = {m["name"]: m["value"] for m in lines(self.cluster.aerodb("stats", *CONFIG, "-o", "jsonl"))}
        self.assertEqual(metrics["recovery_records_count"], 3)
        self.assertEqual(metrics["runs_count"], 1)
        events = [e["name"] for e in lines(self.cluster.aerodb("events", *CONFIG, "-o", "jsonl"))]
        self.assertIn("storage_operation", events)
        self.assertIn("manifest_loaded", events)
        done = self.verb("checkpoint")
        self.assertEqual(done.returncode, 0)
        refused = self.verb("checkpoint", check=False)
        self.assertEqual(refused.returncode, 80)
        self.assertIn("NOTHING_TO_DO", refused.stderr)

    def test_compact_merges_and_the_offline_tools_agree(self):
        for first in range(0, 30, 10):
            self.fill(first, first + 10)
            self.verb("checkpoint", "--no-merge")
        self.assertEqual(len(self.storage()["runs"]), 3)
        before = self.picture()
        self.assertEqual(self.answer("compact")["runs_merged"], 3)
        self.assertEqual(self.picture(), before)
        storage = self.storage()
        self.assertEqual(len(storage["runs"]), 1)
        files = sorted(path.name for path in (self.cluster.dir / "p1/runs").iterdir())
        self.assertEqual(files, [f"{storage['runs'][0]['number']:08}.run"])
        run = f"p1/runs/{files[0]}"
        dumped = lines(self.cluster.aerodb("run", "dump", run))
        self.assertEqual(sum(line["line"] == "version" for line in dumped), 30)
        [verified] = lines(self.cluster.aerodb("run", "verify", run))
        self.assertEqual(verified["sha256"], storage["runs"][0]["sha256"].hex())
        path = self.cluster.dir / run
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 4
        (self.cluster.dir / "flipped.run").write_bytes(content)
        refused = self.cluster.aerodb("run", "verify", "flipped.run", check=False)
        self.assertEqual(refused.returncode, 65)
        self.assertIn("RUN_DAMAGED", refused.stderr)
        self.assertIn("flipped.run", refused.stderr)

    def test_history_and_pages_stay_at_their_commit(self):
        self.fill(0, 20)
        with self.cluster.client("p1") as client:
            for rank in (100, 101):
                client.call("doc.update", collection="notes", schema_version=1, document={"_id": "n3", "rank": rank})
            client.call("doc.delete", collection="notes", id="n3")
        self.verb("checkpoint")
        history = lines(self.verb("history", "notes", "n3", "-o", "jsonl"))
        self.assertEqual([v["commit_id"] for v in history], [23, 22, 21, 4])
        self.assertIsNone(history[0]["document"])
        first = self.answer("query", "notes", "--sort", "rank", "--limit", "8", "--at-commit", "20")["data"]
        last = first["versions"][-1]["document"]
        self.fill(20, 25)
        second = self.answer("query", "notes", "--sort", "rank", "--limit", "8", "--at-commit", "20", "--after-id", last["_id"],
                             "--after-value", str(last["rank"]))["data"]
        self.assertEqual([v["document"]["rank"] for v in first["versions"] + second["versions"]], list(range(16)))
        self.assertEqual(first["plan_hash"], self.answer("query", "notes", "--sort", "rank", "--limit", "8", "--at-commit", "20")["data"]["plan_hash"])

    def test_gc_needs_phrase_and_reason_and_reads_below_are_refused(self):
        self.fill(0, 10)
        with self.cluster.client("p1") as client:
            client.call("doc.update", collection="notes", schema_version=1, document={"_id": "n3", "rank": 77})
        refused = self.verb("gc", "--floor", "11", "--phrase", "drop history below 11", check=False)
        self.assertIn("REASON_REQUIRED", refused.stderr)
        refused = self.verb("gc", "--floor", "11", "--reason", "test", "--phrase", "drop history below 10", check=False)
        self.assertEqual(refused.returncode, 82)
        self.assertIn("CONFIRMATION_MISMATCH", refused.stderr)
        refused = self.verb("gc", "--floor", "11", "--reason", "test", check=False)
        self.assertEqual(refused.returncode, 82)
        with self.cluster.client("p1") as pinning:
            pinned = pinning.call("pin.take", commit=5)
            refused = self.verb("gc", "--floor", "11", "--reason", "test", "--phrase", "drop history below 11", check=False)
            self.assertIn("PINNED", refused.stderr)
            pinning.call("pin.release", pin=pinned["pin"])
            pinning.call("pin.take", commit=6)
        wait_until(lambda: self.storage()["pins"] == 0, "the pin ends with its connection")
        self.verb("gc", "--floor", "11", "--reason", "test", "--phrase", "drop history below 11")
        with self.cluster.client("p1") as client:
            self.refused("BELOW_FLOOR", self.get, client, 3, at_commit=10)
            self.assertEqual(self.get(client, 3)["data"]["version"]["document"]["rank"], 77)
        self.verb("checkpoint")
        self.verb("compact")
        self.assertEqual(self.storage()["runs"][0]["versions"], 10)

    def test_a_snapshot_is_kept_under_its_name(self):
        self.fill(0, 10)
        self.assertEqual(self.answer("snapshot", "--name", "one")["snapshot"], "one")
        refused = self.verb("snapshot", "--name", "one", check=False)
        self.assertEqual(refused.returncode, 73)
        self.assertIn("SNAPSHOT_EXISTS", refused.stderr)
        self.fill(10, 20)
        self.verb("snapshot")
        self.verb("compact")
        names = [s["name"] for s in self.storage()["snapshots"]]
        self.assertEqual(len(names), 2)
        for name in names:
            self.assertTrue((self.cluster.dir / "p1/snapshots" / name / "MANIFEST").exists())
            for run in (self.cluster.dir / "p1/snapshots" / name / "runs").iterdir():
                self.cluster.aerodb("run", "verify", run)

    def test_the_log_is_shown_checked_and_resized_offline(self):
        self.fill(0, 10)
        self.verb("checkpoint")
        self.fill(10, 15)
        before = self.picture()
        self.cluster.stop("p1")
        dumped = lines(self.cluster.aerodb("wal", "dump", "--data-dir", "p1"))
        records = [line for line in dumped if line["line"] == "record"]
        self.assertEqual([r["lsn"] for r in records], list(range(1, 18)))
        [total] = lines(self.cluster.aerodb("wal", "verify", "--data-dir", "p1"))
        self.assertEqual((total["records"], total["breaks"], total["troubles"]), (17, 0, 0))
        self.verb("wal", "resize", "--segments", "6", "--segment-bytes", str(32 << 20))
        refused = self.cluster.run_to_end("p1", "aerodb-primary", "p1.toml")
        self.assertNotEqual(refused[0], 0)
        self.cluster.node_options.update(segments=6, segment_bytes=32 << 20)
        self.cluster.write_node("p1")
        self.cluster.start("p1")
        self.assertEqual(self.picture(), before)
        self.fill(15, 20)

    def test_a_ring_that_fills_up_is_emptied_by_checkpoints(self):
        text = "x" * 900_000
        with self.cluster.client("p1") as client:
            number = 0
            for _ in range(3):
                while True:
                    try:
                        self.insert(client, number, text=text)
                        number += 1
                    except RpcError as error:
                        self.assertEqual(error.code, "WAL_FULL")
                        break
                self.assertIsNotNone(self.get(client, number - 1)["data"]["version"])
                self.verb("checkpoint")
            self.assertGreater(number, 150)
            digest = client.call("status")["digest"]
        self.cluster.kill("p1")
        self.cluster.start("p1")
        self.assertEqual(self.cluster.status("p1")["digest"], digest)


class ReplicaStorageTest(ClusterTest):
    replicas = 1

    def test_a_replica_has_its_own_checkpoints_and_the_same_floor(self):
        with self.cluster.client("p1") as client:
            for number in range(30):
                self.insert(client, number)
            client.call("doc.delete", collection="notes", id="n4")
            self.cluster.aerodb("gc", "--floor", "31", "--reason", "test", "--phrase", "drop history below 31", "--config", "p1.toml")
            self.cluster.aerodb("checkpoint", "--config", "p1.toml")
            self.cluster.aerodb("compact", "--config", "p1.toml")
            self.insert(client, 4)  # names no predecessor, although the replica still has the deletion
        self.cluster.wait_in_step()
        self.cluster.aerodb("checkpoint", "--config", "r1.toml")
        with self.cluster.client("r1") as client:
            self.refused("BELOW_FLOOR", self.get, client, 3, at_commit=30)
            self.assertIsNotNone(self.get(client, 4)["data"]["version"])
        primary, replica = self.cluster.status("p1"), self.cluster.status("r1")
        self.assertEqual((primary["digest"], primary["chain"], primary["floor"]), (replica["digest"], replica["chain"], replica["floor"]))
        refused = self.cluster.aerodb("gc", "--floor", "32", "--reason", "test", "--phrase", "drop history below 32", "--config", "r1.toml", check=False)
        self.assertIn("NOT_PRIMARY", refused.stderr)
        self.cluster.kill("r1")
        self.cluster.start("r1")
        self.assertEqual(self.cluster.status("r1")["digest"], primary["digest"])


if __name__ == "__main__":
    unittest.main()
