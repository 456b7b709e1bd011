"""What an operator does about a node that halted, was left behind or lost its primary: bootstrap, resume, orphans, end-lineage."""
import json
import threading
import unittest

from harness import ClusterTest, lines, request, wait_until
from rpc import ConnectionLost, RpcError


class RepairTest(ClusterTest):
    def setUp(self):
        super().setUp()
        self.number = 0

    def maintain(self, node, *arguments, check=True):
        """An `aerodb` verb on a node's maintenance socket."""
        return self.cluster.aerodb(*arguments, "--node", f"unix:{node}/maintenance.sock", "-o", "json", "--reason", "test", check=check)

    def denied(self, code, *arguments):
        done = self.maintain(*arguments, check=False)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertIn(code, done.stderr)
        return done

    def source(self, node):
        return self.cluster.replication_address(node)

    def bootstrap(self, node, source, discard=False, check=True):
        phrase = ["--discard", "--phrase", f"discard the history of {node}"] if discard else []
        return self.maintain(node, "bootstrap", "--from", self.source(source), *phrase, check=check)

    def write(self, node="p1", count=1, **fields):
        with self.cluster.client(node) as client:
            for _ in range(count):
                self.number += 1
                receipt = self.insert(client, self.number, **fields)["receipt"]
        return receipt

    def checkpoint(self, node="p1"):
        return self.maintain(node, "checkpoint")

    def same_state(self, *nodes):
        status = [self.cluster.status(node) for node in nodes]
        self.assertEqual(len({s["digest"] for s in status}), 1, status)

    def lose_disk(self, name):
        """The machine is gone, and what comes back under its name is another directory."""
        import shutil
        self.cluster.kill(name)
        shutil.rmtree(self.cluster.dir / name)

    def flip_bit(self, name):
        """One bit in the middle of the log."""
        path = self.cluster.dir / name / "wal" / "0000.seg"
        with path.open("r+b") as segment:
            segment.seek(40_000)
            byte = segment.read(1)
            segment.seek(40_000)
            segment.write(bytes([byte[0] ^ 0x10]))


class Bootstrap(RepairTest):
    replicas = 1
    shipper = False

    def test_a_fresh_replica_by_snapshot_under_write_load(self):
        self.write(count=300)
        self.denied("NO_SNAPSHOT", "r1", "bootstrap", "--from", self.source("p1"))
        self.checkpoint()
        ended = threading.Event()
        failed = []

        def load():
            try:
                while not ended.is_set():
                    self.write(count=20)
            except Exception as error:  # noqa: BLE001
                failed.append(error)
        writer = threading.Thread(target=load)
        writer.start()
        try:
            done = json.loads(self.bootstrap("r1", "p1").stdout)
            self.assertEqual(done["stage"], "done")
            self.cluster.start_shipper()
            wait_until(lambda: self.cluster.status("r1")["applied_lsn"] > done["end_lsn"], "records after the snapshot")
        finally:
            ended.set()
            writer.join()
        self.assertEqual(failed, [])
        self.cluster.wait_in_step()
        self.same_state("p1", "r1")
        # By the log alone it comes out the same.
        self.denied("DISCARD_REQUIRED", "r1", "bootstrap", "--from", self.source("p1"))

    def test_a_replica_that_the_ring_left_behind(self):
        self.cluster.start_shipper()
        self.write(count=50)
        self.cluster.wait_in_step()
        self.cluster.stop("s1-from-p1")
        # More than the ring holds, with checkpoints that let it go.
        for _ in range(6):
            self.write(count=400, text="x" * 30_000)
            self.checkpoint()
        self.cluster.start_shipper()
        def stopped():
            shown = lines(self.cluster.aerodb("stats", "--node", f"127.0.0.1:{self.cluster.shipper_port}", "-o", "jsonl"))
            return any(m.get("name") == "shipper_targets_stopped_count" and m["value"] == 1 for m in shown)
        wait_until(stopped, "the target stopped: it needs a snapshot")
        self.bootstrap("r1", "p1", discard=True)
        self.cluster.stop("s1-from-p1")
        self.cluster.start_shipper()
        self.cluster.wait_in_step()
        self.same_state("p1", "r1")
        with self.cluster.client("r1") as client:
            self.assertIsNotNone(self.get(client, 10)["data"]["version"])

    def test_killed_at_any_moment_the_next_one_goes_on(self):
        self.write(count=400, text="y" * 4000)
        self.checkpoint()
        for _ in range(4):
            self.maintain("r1", "bootstrap", "--from", self.source("p1"), "--no-wait")
            self.cluster.kill("r1")
            self.cluster.start("r1")
            if self.cluster.status("r1")["durable_lsn"] > 0:
                break
        else:
            self.bootstrap("r1", "p1")
        self.cluster.start_shipper()
        self.cluster.wait_in_step()
        self.same_state("p1", "r1")


class DamagedReplica(RepairTest):
    replicas = 1

    def test_a_flipped_bit_refuses_every_start_until_its_history_is_discarded(self):
        self.write(count=400)
        self.cluster.wait_in_step()
        self.cluster.stop("r1")
        self.flip_bit("r1")
        for _ in range(2):
            code, said = self.cluster.run_to_end("r1", "aerodb-replica", "r1.toml")
            self.assertNotEqual(code, 0)
            self.assertRegex(said, "WAL_HOLE|WAL_DISCONTINUITY|BAD_RECORD")
            self.assertIn("--repair", said)
        self.cluster.processes["r1"] = self.cluster.start_repair("r1")
        status = self.cluster.status("r1")
        self.assertEqual(status["state"], "HALTED")
        with self.cluster.client("r1") as client:
            self.refused("HALTED", self.get, client, 1)
        self.denied("RESUME_DENIED", "r1", "resume")
        self.checkpoint()
        self.bootstrap("r1", "p1", discard=True)
        self.cluster.stop("s1-from-p1")
        self.cluster.start_shipper()
        self.cluster.wait_in_step()
        self.same_state("p1", "r1")


class LostPrimary(RepairTest):
    def end_lineage(self, node, lost, *more, check=True):
        end = self.cluster.status(node)["durable_lsn"]
        peers = [f"--peer={name}={self.source(name)}" for name in self.cluster.names if name not in (node, lost)]
        return self.maintain(node, "end-lineage", "--lost", lost, *peers, "--phrase", f"end the lineage of {lost}",
                             "--loss-phrase", f"give up what {lost} acknowledged after LSN {end}", *more, check=check)

    def test_with_its_disk_it_is_sealed_offline_and_serves_the_log(self):
        last = self.write(count=30)
        self.cluster.wait_in_step()
        self.cluster.kill("p1")
        instance = self.cluster.status("r1")["instance"]
        sealed = json.loads(self.cluster.aerodb("seal", "--data-dir", "p1", "--to", "r1", "--instance", instance.hex(), "--reason", "p1 failed",
                                                "-o", "json").stdout)
        self.cluster.start("p1")  # the same binary: it serves what r1 lacks, and admits nothing
        with self.cluster.client("p1") as client:
            self.refused("SEALED", self.insert, client, 9999)
        self.cluster.wait_applied("r1", sealed["seal_lsn"])
        with self.cluster.control("r1") as control:
            control.call("control.promote", request=request(1))
        self.number = 1000
        self.write("r1")
        with self.cluster.client("r1") as client:
            self.assertIsNotNone(self.get(client, 30, receipt=last)["data"]["version"])

    def test_without_its_disk_one_replica_goes_on_in_a_new_lineage(self):
        self.write(count=30)
        self.cluster.wait_in_step()
        self.lose_disk("p1")
        with self.cluster.control("r1") as control:
            self.refused("PROMOTION_UNDETERMINED", control.call, "control.promote",
                         request=request(1))
        self.cluster.kill("r2")
        self.assertIn("END_LINEAGE_UNDETERMINED", self.end_lineage("r1", "p1", check=False).stderr)
        self.cluster.start("r2")
        ended = json.loads(self.end_lineage("r1", "p1").stdout)
        self.number = 1000
        last = self.write("r1", count=5)
        self.cluster.stop("s1-from-p1")
        self.cluster.write_shipper("s1-from-r1", "r1", targets=["r2"])
        self.cluster.start_shipper("s1-from-r1")
        wait_until(lambda: "LINEAGE_CHANGED" in self.cluster.log("s1-from-r1"), "r2 refuses the new lineage until it is told")
        self.maintain("r2", "resume", "--accept-lineage", ended["lineage"], "--from", self.source("r1"))
        self.cluster.stop("s1-from-r1")
        self.cluster.start_shipper("s1-from-r1")
        self.cluster.wait_applied("r2", last["lsn"])
        self.same_state("r1", "r2")
        # The same again after restarts, under the replica's binary.
        self.cluster.kill("r1")
        self.cluster.start("r1")
        self.write("r1")

    def test_a_replica_that_is_further_denies_it_by_name(self):
        self.write(count=10)
        self.cluster.wait_in_step()
        self.cluster.stop("s1-from-p1")
        self.cluster.write_shipper("s1-from-p1", "p1", targets=["r2"])
        self.cluster.start_shipper()
        last = self.write(count=10)
        self.cluster.wait_applied("r2", last["lsn"])
        self.lose_disk("p1")
        denied = self.end_lineage("r1", "p1", check=False)
        self.assertIn("END_LINEAGE_DENIED", denied.stderr)
        self.assertIn("r2", denied.stderr)
        self.end_lineage("r2", "p1")

    def test_two_operators_promote_two_replicas_at_once_and_one_wins(self):
        self.write(count=10)
        instance = self.cluster.status("r1")["instance"]
        with self.cluster.control("p1") as control:
            seal = control.call("control.demote", request=request(2), successor="r1", successor_instance=instance)
        for name in ("r1", "r2"):
            self.cluster.wait_applied(name, seal["seal_lsn"])
        outcomes = {}

        def promote(number, name):
            with self.cluster.control(name) as control:
                try:
                    outcomes[name] = control.call("control.promote", request=request(number))["epoch"]
                except (RpcError, ConnectionLost) as error:
                    outcomes[name] = getattr(error, "code", "lost")
        threads = [threading.Thread(target=promote, args=(number, name)) for number, name in enumerate(("r1", "r2"), 3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(outcomes, {"r1": 2, "r2": "PROMOTION_DENIED"})


if __name__ == "__main__":
    unittest.main()
