"""What a replica's replication listener takes and refuses, driven by a session of our own."""
import os
import unittest

from harness import ClusterTest


class IntakeTest(ClusterTest):
    replicas = 1

    def setUp(self):
        super().setUp()
        with self.cluster.client("p1") as client:
            for number in range(5):
                self.insert(client, number)
        self.cluster.wait_in_step()
        self.cluster.stop("s1-from-p1")
        with self.cluster.replication("p1") as source:
            self.position = source.call("wal.position")
            self.records = source.call("wal.fetch", from_lsn=2, max_bytes=1 << 20, wait_ms=0)
        self.session = self.cluster.replication("r1")
        self.addCleanup(self.session.close)

    def open(self, **changes):
        request = {"shipper": "test", "shipper_instance": os.urandom(16), "source_node": "p1", "source_instance": self.position["instance"],
                   "cluster": self.position["cluster"], "source_durable": self.position["durable"], "ancestry": self.position["ancestry"]}
        return self.session.call("replica.open", **(request | changes))

    def append(self, session, first_lsn, chain_before, count=0, records=b""):
        return self.session.call("replica.append", session=session, chain_before=chain_before, first_lsn=first_lsn, count=count,
                                 source_durable=self.position["durable"], records=records)

    def prove(self):
        opened = self.open()
        self.append(opened["session"], opened["durable_lsn"] + 1, opened["chain"])
        return opened

    def test_a_source_of_another_cluster_or_history_is_refused(self):
        self.refused("LINEAGE_UNKNOWN", self.open, cluster=b"\x05" * 16)
        other = [dict(self.position["ancestry"][0], lineage=b"\x06" * 16)]
        self.refused("LINEAGE_CHANGED", self.open, ancestry=other)
        self.refused("SOURCE_BEHIND", self.open, ancestry=[])
        self.assertEqual(self.cluster.status("r1")["state"], "READY")

    def test_an_unproven_session_that_shows_another_chain_is_refused_and_halts_nobody(self):
        opened = self.open()
        self.refused("REPLICA_DIVERGED", self.append, opened["session"], opened["durable_lsn"] + 1, b"\x09" * 16)
        self.refused("BAD_REQUEST", self.append, opened["session"], opened["durable_lsn"] + 1, opened["chain"], 1, b"\x00" * 64)
        self.assertEqual(self.cluster.status("r1")["state"], "READY")

    def test_gaps_and_old_sessions_are_refused(self):
        first = self.open()
        second = self.prove()
        self.refused("NOT_NEXT", self.append, second["session"], second["durable_lsn"] + 3, second["chain"])
        error = self.refused("SUPERSEDED_BY_INSTANCE", self.append, first["session"], first["durable_lsn"] + 1, first["chain"])
        self.assertIn("session", str(error))
        self.assertEqual(self.cluster.status("r1")["state"], "READY")

    def test_a_proven_session_that_shows_another_chain_halts_durably(self):
        opened = self.prove()
        self.refused("REPLICA_DIVERGED", self.append, opened["session"], opened["durable_lsn"] + 1, b"\x09" * 16)
        for _ in range(2):
            status = self.cluster.status("r1")
            self.assertEqual((status["state"], status["halt_rule"]), ("HALTED", "REPL-1"))
            with self.cluster.client("r1") as client:
                self.refused("HALTED", self.get, client, 1)
                client.call("explain.read", collection="notes", id="n1")
            self.cluster.kill("r1")
            self.cluster.start("r1")

    def test_a_record_with_one_flipped_bit_halts_and_names_the_rule(self):
        opened = self.prove()
        with self.cluster.client("p1") as client:
            self.insert(client, 100, text="something to damage")
        with self.cluster.replication("p1") as source:
            fetched = source.call("wal.fetch", from_lsn=opened["durable_lsn"] + 1, max_bytes=1 << 20, wait_ms=0)
        damaged = bytearray(fetched["records"])
        damaged[damaged.index(b"damage")] ^= 1
        self.refused("DIGEST_MISMATCH", self.append, opened["session"], fetched["first_lsn"], fetched["chain_before"], fetched["count"], bytes(damaged))
        status = self.cluster.status("r1")
        self.assertEqual((status["state"], status["halt_rule"]), ("HALTED", "REC-6"))
        self.assertEqual(status["durable_lsn"], opened["durable_lsn"])

    def test_a_node_that_holds_authority_takes_no_records(self):
        with self.cluster.replication("p1") as primary:
            self.refused("NOT_A_REPLICA", primary.call, "replica.append", session=1, chain_before=b"\0" * 16, first_lsn=1, count=0,
                         source_durable=self.position["durable"], records=b"")


if __name__ == "__main__":
    unittest.main()
