"""The operator's desk over real nodes: explanation, confirmation, one operation, audit."""
import json
import os
import unittest

from harness import ClusterTest, wait_until
from rpc import Client


class ControlPlaneTest(ClusterTest):
    def setUp(self):
        super().setUp()
        self.cluster.write_controlplane()
        self.start_desk()

    def start_desk(self):
        self.cluster.start_role("c1", "aerodb-controlplane", "c1.toml")
        wait_until(lambda: (self.cluster.dir / "c1.sock").exists(), "the control plane's socket")

    def desk(self):
        client = Client("unix:" + os.path.relpath(self.cluster.dir / "c1.sock"))
        self.addCleanup(client.close)
        return client

    def explain(self, command="demote", node="p1", successor="r1", **params):
        return self.desk().call("command.explain", command=command, node=node, successor=successor, decline=None, reason="test", **params)

    def confirm(self, challenge, phrase):
        return self.desk().call("command.confirm", challenge=challenge, phrase=phrase, interactive=False)

    def stages(self):
        return [r["stage"] for r in self.desk().call("audit.read", after_number=0, limit=1000)["records"]]

    def test_a_switchover_is_explained_confirmed_carried_out_and_audited(self):
        asked = self.explain()
        self.assertTrue(asked["explanation"]["conclusion"]["status"].startswith("would be accepted"))
        done = self.confirm(asked["challenge"], "demote p1")
        self.assertEqual(done["outcome"], "answered", done)
        self.cluster.wait_applied("r1", done["answer"]["seal_lsn"])
        asked = self.explain("promote", "r1", None)
        done = self.confirm(asked["challenge"], "promote r1")
        self.assertEqual(done["outcome"], "answered", done)
        self.assertEqual(self.cluster.status("r1")["role"], "primary")
        self.assertEqual(self.stages(), ["requested", "explained", "confirmed", "dispatched", "answered"] * 2)
        verified = self.desk().call("audit.verify")
        self.assertTrue(verified["whole"])
        self.assertEqual(verified["records"], 10)
        outcome = self.desk().call("command.outcome", node="r1", request_id=done["request_id"])
        self.assertEqual(outcome["outcome"], "recorded")

    def test_the_kernels_rejection_is_shown_word_for_word(self):
        asked = self.explain("promote", "r2", None)
        done = self.confirm(asked["challenge"], "promote r2")
        self.assertEqual((done["outcome"], done["error_code"]), ("rejected", "PROMOTION_UNDETERMINED"))
        self.assertEqual(self.cluster.status("p1")["role"], "primary")

    def test_a_confirmation_mistyped_or_reused_carries_nothing_out(self):
        asked = self.explain()
        self.refused("CONFIRMATION_MISMATCH", self.confirm, asked["challenge"], "demote p2")
        self.refused("CONFIRMATION_USED", self.confirm, asked["challenge"], "demote p1")
        self.assertEqual(self.cluster.status("p1")["role"], "primary")
        asked = self.explain()
        self.confirm(asked["challenge"], "demote p1")
        self.refused("CONFIRMATION_USED", self.confirm, asked["challenge"], "demote p1")

    def test_a_restart_ends_a_confirmation(self):
        asked = self.explain()
        self.cluster.kill("c1")
        (self.cluster.dir / "c1.sock").unlink()
        self.start_desk()
        self.refused("CONFIRMATION_USED", self.confirm, asked["challenge"], "demote p1")

    def test_writes_do_not_end_a_confirmation_but_a_changed_role_does(self):
        asked = self.explain()
        with self.cluster.client("p1") as client:
            for number in range(20):
                self.insert(client, number)
        other = {"request_id": "f" * 32, "operator_name": "t", "reason": "t", "audit_head": None}
        done = self.confirm(asked["challenge"], "demote p1")
        self.assertEqual(done["outcome"], "answered")
        self.cluster.wait_applied("r1", done["answer"]["seal_lsn"])
        asked = self.explain("promote", "r1", None)
        with self.cluster.control("r1") as control:
            control.call("control.decline", request=other)
        self.refused("EXPLANATION_CHANGED", self.confirm, asked["challenge"], "promote r1")

    def test_the_console_without_a_terminal_asks_for_a_confirmation(self):
        done = self.cluster.aerodb("demote", "p1", "--to", "r1", "--reason", "test", "--control-plane", "unix:c1.sock", check=False)
        self.assertEqual(done.returncode, 82, done.stdout + done.stderr)
        self.assertEqual(self.cluster.status("p1")["role"], "primary")
        bare = self.cluster.aerodb("demote", "p1", "--to", "r1", "--control-plane", "unix:c1.sock", check=False)
        self.assertEqual(bare.returncode, 64)

    def test_form_is_checked_before_any_node_is_asked(self):
        self.refused("BAD_REQUEST", self.explain, "reboot")
        self.refused("UNKNOWN_NODE", self.explain, "demote", "p9")
        self.refused("REASON_REQUIRED", self.desk().call, "command.explain", command="demote", node="p1", successor="r1", decline=None, reason=" ")

    def test_inspect_shows_every_node_and_unreached_as_unreached(self):
        self.cluster.kill("r2")
        nodes = self.desk().call("inspect.cluster")["nodes"]
        self.assertEqual([n["node"] for n in nodes], ["p1", "r1", "r2"])
        self.assertEqual([n["reached"] for n in nodes], [True, True, False])
        self.assertEqual(nodes[2]["why"], "UNREACHABLE")

    def test_an_edited_audit_log_is_found(self):
        self.confirm(self.explain()["challenge"], "demote p1")
        path = self.cluster.dir / "audit" / "audit.jsonl"
        lines = path.read_text().splitlines(keepends=True)
        record = json.loads(lines[1])
        self.assertEqual(record["stage"], "explained")
        path.write_text(lines[0] + lines[1].replace('"reason":"test"', '"reason":"tent"') + "".join(lines[2:]))
        verified = self.desk().call("audit.verify")
        self.assertFalse(verified["whole"])
        self.assertIn(verified["first_broken"], (2, 3))
        self.cluster.kill("c1")
        (self.cluster.dir / "c1.sock").unlink()
        self.start_desk()
        self.refused("AUDIT_BROKEN", self.explain)


if __name__ == "__main__":
    unittest.main()
