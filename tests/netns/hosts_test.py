"""Several hosts: what a cut or a long link does to writes, replicas and authority."""
import json
import os
import time
import unittest

from hosts import Hosts  # puts tests/process on the path
from harness import ClusterTest, wait_until

CUT_SECONDS = int(os.environ.get("AERODB_CUT_SECONDS", "8"))


class HostsTest(ClusterTest):
    """p1, r1, r2 on hosts of their own, and a shipper s1 on another."""

    def make_cluster(self):
        return Hosts(replicas=self.replicas)

    def setUp(self):
        super().setUp()
        self.number = 0

    def write(self, node="p1", count=1):
        """Acknowledged writes; the last receipt."""
        with self.cluster.client(node) as client:
            for _ in range(count):
                self.number += 1
                receipt = self.insert(client, self.number)["receipt"]
        return receipt

    def applied(self, node):
        return self.cluster.status(node)["applied_lsn"]


class CutLinks(HostsTest):
    def replica_falls_behind_alone(self, cut, mend):
        self.write(count=20)
        self.cluster.wait_in_step()
        cut("s1", "r1")
        stood = self.applied("r1")
        end = time.monotonic() + CUT_SECONDS
        while time.monotonic() < end:
            last = self.write(count=20)
            self.cluster.wait_applied("r2", last["lsn"])  # one replica's link harms no other
            time.sleep(0.2)
        # What was on its way at the cut may have arrived; nothing of the rest can have.
        self.assertLess(self.applied("r1"), last["lsn"] - 20)
        self.assertGreaterEqual(self.applied("r1"), stood)
        with self.cluster.client("r1") as replica:
            self.get(replica, 1)  # it goes on answering what it holds
            self.refused("BEHIND", self.get, replica, self.number, receipt=last)
        mend("s1", "r1")
        self.cluster.wait_in_step()
        with self.cluster.client("r1") as replica:
            self.assertIsNotNone(self.get(replica, self.number, receipt=last)["data"]["version"])

    def test_both_ways_between_shipper_and_replica(self):
        self.replica_falls_behind_alone(self.cluster.cut_both, self.cluster.mend_both)

    def test_from_shipper_to_replica_alone(self):
        self.replica_falls_behind_alone(self.cluster.cut, self.cluster.mend)

    def test_from_replica_to_shipper_alone(self):
        self.write(count=5)
        self.cluster.wait_in_step()
        self.cluster.cut("r1", "s1")
        for _ in range(CUT_SECONDS):
            last = self.write(count=10)
            self.cluster.wait_applied("r2", last["lsn"])
            time.sleep(0.5)
        self.cluster.mend("r1", "s1")
        self.cluster.wait_in_step()

    def test_shipper_cut_off_from_its_source(self):
        self.cluster.cut_both("s1", "p1")
        last = self.write(count=50)  # the primary notices nothing
        time.sleep(CUT_SECONDS)
        for name in ("r1", "r2"):
            self.assertLess(self.applied(name), last["lsn"])
        self.cluster.mend_both("s1", "p1")
        self.cluster.wait_in_step()

    def test_another_host_takes_over_shipping(self):
        self.write(count=10)
        self.cluster.wait_in_step()
        # Its host is gone without a word: the connections stay half open on the others.
        for name in ("p1", "r1", "r2"):
            self.cluster.cut_both("s1", name)
        self.cluster.write_shipper("s2-from-p1", "p1")
        self.cluster.start_shipper("s2-from-p1")
        last = self.write(count=50)
        self.cluster.wait_in_step()
        for name in ("p1", "r1", "r2"):
            self.cluster.mend_both("s1", name)
        # The first one comes back and takes the sessions over; the second stops where it lost them.
        last = self.write(count=10)
        wait_until(lambda: self.applied("r1") >= last["lsn"] and self.applied("r2") >= last["lsn"], "both replicas in step")


class LongLink(HostsTest):
    shipper = False

    def test_records_arrive_in_order_whatever_the_delay(self):
        self.cluster.relay("s1", "r1", delay_ms=150, jitter_ms=150)
        text = self.cluster.write_shipper("s1-from-p1", "p1").read_text()
        direct = f"{self.cluster.host('r1')}:{self.cluster.ports['r1'][1]}"
        self.cluster.write("s1-from-p1.toml", text.replace(direct, self.cluster.relays["s1", "r1"]))
        self.cluster.start_shipper()
        for _ in range(5):
            last = self.write(count=200)
            self.cluster.wait_applied("r2", last["lsn"])
        self.cluster.wait_applied("r1", last["lsn"])
        self.assertEqual(*[self.cluster.status(name)["digest"] for name in ("p1", "r1")])


class Partition(HostsTest):
    """The primary is cut off, an operator goes on without it, and it comes back."""

    def maintenance(self, node, *arguments, check=True):
        return self.cluster.aerodb(*arguments, "--node", f"unix:{node}/maintenance.sock", "-o", "json", check=check)

    def test_a_primary_that_was_given_up_is_fenced_and_rejoins(self):
        self.write(count=20)
        self.cluster.wait_in_step()
        for other in ("r1", "r2", "s1"):
            self.cluster.cut_both("p1", other)
        orphaned = self.write("p1", count=5)  # it goes on acknowledging: nobody can tell it
        end = self.cluster.status("r1")["durable_lsn"]
        ended = json.loads(self.maintenance("r1", "end-lineage", "--lost", "p1", "--peer", f"r2={self.cluster.replication_address('r2')}",
                                            "--reason", "p1 is lost", "--phrase", "end the lineage of p1",
                                            "--loss-phrase", f"give up what p1 acknowledged after LSN {end}").stdout)
        self.assertEqual(ended["fork_lsn"], end)
        self.number = 1000
        kept = self.write("r1", count=5)
        with self.cluster.client("r1") as client:
            refused = self.refused("LINEAGE_ENDED", self.get, client, 1, receipt=orphaned)
            self.assertIn(str(end), str(refused.details))

        for other in ("r1", "r2", "s1"):
            self.cluster.mend_both("p1", other)
        self.cluster.stop("s1-from-p1")
        self.cluster.write_shipper("s1-from-r1", "r1")
        self.cluster.start_shipper("s1-from-r1")
        with self.cluster.client("p1") as client:
            def fenced():
                try:
                    self.insert(client, 5000 + int(time.monotonic() * 1000) % 100000)
                except Exception as error:  # noqa: BLE001
                    return getattr(error, "code", "") == "FENCED"
                return False
            wait_until(fenced, "p1 fenced")
            self.refused("LINEAGE_ENDED", self.get, client, 1)

        # r2 ends before the fork, or at it: the operator lets it follow.
        self.maintenance("r2", "resume", "--accept-lineage", ended["lineage"], "--from", self.cluster.replication_address("r1"),
                         "--reason", "r1 goes on")
        # p1 has what nobody else has: exported first, then replaced.
        self.cluster.stop("p1")
        self.cluster.start("p1", binary="aerodb-replica")
        from_r1 = self.cluster.replication_address("r1")
        self.maintenance("r1", "checkpoint", "--reason", "for p1")
        denied = self.maintenance("p1", "bootstrap", "--from", from_r1, "--discard", "--phrase", "discard the history of p1",
                                  "--reason", "rejoin", check=False)
        self.assertIn("ORPHANS_NOT_EXPORTED", denied.stderr)
        exported = self.cluster.dir / "orphans.jsonl"
        self.maintenance("p1", "orphans", "export", exported, "--reason", "rejoin")
        kinds = [json.loads(line) for line in exported.read_text().splitlines()]
        self.assertEqual(sum("document" in line for line in kinds), 5)
        self.maintenance("p1", "bootstrap", "--from", from_r1, "--discard", "--phrase", "discard the history of p1", "--reason", "rejoin")
        self.cluster.stop("s1-from-r1")
        self.cluster.start_shipper("s1-from-r1")
        for name in ("p1", "r2"):
            self.cluster.wait_applied(name, kept["lsn"])
            self.assertEqual(self.cluster.status(name)["digest"], self.cluster.status("r1")["digest"])


if __name__ == "__main__":
    unittest.main()
