"""Authority moves by command alone: seal, promotion, decline, the shipper changed by hand, the old primary following."""
import unittest

from harness import ClusterTest, request, wait_until


class SwitchoverTest(ClusterTest):
    def demote(self, node, successor, number=1, **params):
        instance = self.cluster.status(successor)["instance"]
        with self.cluster.control(node) as control:
            return control.call("control.demote", request=request(number), successor=successor, successor_instance=instance, **params)

    def promote(self, node, number=2, **params):
        with self.cluster.control(node) as control:
            return control.call("control.promote", request=request(number), **params)

    def test_authority_moves_and_the_old_primary_follows(self):
        with self.cluster.client("p1") as client:
            for number in range(20):
                last = self.insert(client, number)
        seal = self.demote("p1", "r1")
        with self.cluster.client("p1") as client:
            self.refused("SEALED", self.insert, client, 99)
            self.get(client, 3)
        self.cluster.wait_applied("r1", seal["seal_lsn"])
        promoted = self.promote("r1")
        self.assertEqual(promoted["epoch"], 2)
        again = self.promote("r1", number=3)
        self.assertTrue(again["repeated"])
        self.assertEqual(again["epoch_start_lsn"], promoted["epoch_start_lsn"])

        self.cluster.stop("s1-from-p1")
        self.assertEqual(self.cluster.stop("p1"), 0)
        self.cluster.start("p1", binary="aerodb-replica")
        self.cluster.write_shipper("s1-from-r1", "r1")
        self.cluster.start_shipper("s1-from-r1")
        with self.cluster.client("r1") as client:
            written = self.insert(client, 100)
        for name in ("p1", "r2"):
            self.cluster.wait_applied(name, written["receipt"]["lsn"])
            with self.cluster.client(name) as client:
                self.assertIsNotNone(self.get(client, 100, receipt=written["receipt"])["data"]["version"])
                self.assertIsNotNone(self.get(client, 5, receipt=last["receipt"])["data"]["version"])
                self.refused("NOT_PRIMARY", self.insert, client, 101)
        with self.cluster.control("r1") as control:
            self.assertEqual(control.call("control.outcome", request_id=request(2)["request_id"])["outcome"], "recorded")
            self.assertEqual(control.call("control.outcome", request_id=request(77)["request_id"])["outcome"], "no_effect_recorded")

    def test_a_receipt_beyond_the_end_of_its_epoch(self):
        with self.cluster.client("p1") as client:
            receipt = dict(self.insert(client, 1)["receipt"])
        seal = self.demote("p1", "r1")
        self.cluster.wait_applied("r1", seal["seal_lsn"])
        start = self.promote("r1")
        receipt["lsn"] = start["epoch_start_lsn"]  # an LSN that epoch 1 never had
        with self.cluster.client("r1") as client:
            self.refused("EPOCH_ENDED", self.get, client, 1, receipt=receipt)

    def test_promotion_without_a_seal_is_undetermined(self):
        self.cluster.wait_in_step()
        self.refused("PROMOTION_UNDETERMINED", self.promote, "r1")
        with self.cluster.client("p1") as client:
            self.insert(client, 1)

    def test_promotion_by_another_nodes_seal_is_denied(self):
        seal = self.demote("p1", "r1")
        self.cluster.wait_applied("r2", seal["seal_lsn"])
        self.refused("PROMOTION_DENIED", self.promote, "r2")

    def test_a_repeated_demotion_answers_the_same_seal(self):
        first = self.demote("p1", "r1")
        second = self.demote("p1", "r1", number=5)
        self.assertEqual(first["seal_lsn"], second["seal_lsn"])
        self.assertTrue(second["repeated"])
        self.refused("DEMOTION_DENIED", self.demote, "p1", "r2", 6)

    def test_a_declined_seal_is_passed_on_only_with_the_statement(self):
        seal = self.demote("p1", "r1")
        self.cluster.wait_applied("r1", seal["seal_lsn"])
        with self.cluster.control("r1") as control:
            statement = control.call("control.decline", request=request(7))["statement"]
        self.refused("PROMOTION_DENIED", self.promote, "r1")
        self.cluster.kill("r1")
        self.cluster.start("r1")
        self.refused("PROMOTION_DENIED", self.promote, "r1")
        passed = self.demote("p1", "r2", number=8, decline=statement)
        self.assertEqual(passed["seal_number"], 2)
        self.cluster.wait_applied("r2", passed["seal_lsn"])
        self.assertEqual(self.promote("r2", number=9)["epoch"], 2)

    def test_the_sealed_node_goes_on_itself_with_the_statement(self):
        seal = self.demote("p1", "r1")
        self.cluster.wait_applied("r1", seal["seal_lsn"])
        self.refused("PROMOTION_DENIED", self.promote, "p1")
        with self.cluster.control("r1") as control:
            statement = control.call("control.decline", request=request(7))["statement"]
        self.assertEqual(self.promote("p1", number=8, decline=statement)["epoch"], 2)
        with self.cluster.client("p1") as client:
            self.insert(client, 1)

    def test_a_promoted_directory_restarts_under_the_replica_binary_only(self):
        seal = self.demote("p1", "r1")
        self.cluster.wait_applied("r1", seal["seal_lsn"])
        self.promote("r1")
        self.cluster.kill("r1")
        self.cluster.start("r1")
        self.assertEqual(self.cluster.status("r1")["role"], "primary")
        with self.cluster.client("r1") as client:
            wait_until(lambda: self.insert(client, 1), "a write on the promoted node")


if __name__ == "__main__":
    unittest.main()
