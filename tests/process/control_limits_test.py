"""What the control plane must not do, on real nodes: change anything by looking, ask without being asked, repeat, combine, advise."""
import time
import unittest

from desk import DeskTest
from rpc import ConnectionLost

VIEWS = ("replication", "promotion", "authority", "wal", "snapshots", "checkpoints")
# Words that would be a judgment or advice of the control plane's own.
JUDGMENTS = ("health", "recommend", "advise", "should", "suggest", "consider", "best", "rank", "score", "optimal", "degraded", "warning",
             "lagging", "behind", "candidate", "please", "try ")


class ControlLimitsTest(DeskTest):
    shipper = False  # nobody else asks the nodes anything

    def requests(self):
        """Requests that each node has taken in on all its listeners, the one that asks for this included."""
        counts = {}
        for name in self.cluster.names:
            with self.cluster.client(name) as client:
                counts[name] = {m["name"]: m["value"] for m in client.call("observe.stats")["metrics"]}["requests_count"]
        return counts

    def asked_since(self, before):
        return {name: count - before[name] - 1 for name, count in self.requests().items()}

    def states(self):
        """Every byte of every node's directory, and the number of its last event."""
        states = {}
        for name in self.cluster.names:
            directory = self.cluster.dir / name
            files = {path.relative_to(directory).as_posix(): path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file()}
            with self.cluster.client(name) as client:
                events = client.call("observe.events", after_number=0, limit=1000)["events"]
            states[name] = files, events[-1]["number"]
        return states

    def look_at_everything(self):
        desk = self.desk()
        desk.call("inspect.cluster")
        for name in self.cluster.names:
            desk.call("inspect.node", node=name)
        for what in VIEWS:
            desk.call("inspect.view", what=what, node=None)
        desk.call("inspect.events", nodes=[], limit=1000)
        desk.call("audit.read", after_number=0, limit=1000)
        desk.call("audit.verify")
        desk.call("command.outcome", node="p1", request_id="0" * 32)

    def explain_everything(self):
        for command, node, successor in (("demote", "p1", "r1"), ("promote", "r1", None), ("promote", "p1", None), ("decline", "r1", None),
                                         ("demote", "r1", "p1")):
            self.explain(command, node, successor)

    def test_viewing_changes_no_byte_and_no_event_of_any_node(self):
        before = self.states()
        for _ in range(20):
            self.look_at_everything()
        self.assertEqual(self.states(), before)

    def test_explaining_changes_no_byte_and_no_event_of_any_node(self):
        before = self.states()
        for _ in range(10):
            self.explain_everything()
        self.assertEqual(self.states(), before)
        self.assertEqual(self.stages(), ["requested", "explained"] * 50)

    def test_validating_changes_no_byte_and_no_event_of_any_node(self):
        before = self.states()
        for phrase in ("demote p2", "", "yes", "promote p1", "demote"):
            asked = self.explain()
            self.refused("CONFIRMATION_MISMATCH", self.confirm, asked["challenge"], phrase)
            self.refused("CONFIRMATION_USED", self.confirm, asked["challenge"], "demote p1")
        self.refused("BAD_REQUEST", self.explain, "reboot")
        self.assertEqual(self.states(), before)

    def test_no_node_is_asked_anything_while_nobody_asks(self):
        self.explain()
        self.look_at_everything()
        before = self.requests()
        time.sleep(2)
        self.assertEqual(self.asked_since(before), {"p1": 0, "r1": 0, "r2": 0})

    def test_each_step_sends_the_nodes_what_it_needs_and_nothing_more(self):
        before = self.requests()
        asked = self.explain()
        self.assertEqual(self.asked_since(before), {"p1": 2, "r1": 1, "r2": 1})  # status of each, one explanation
        before = self.requests()
        self.confirm(asked["challenge"], "demote p1")
        self.assertEqual(self.asked_since(before), {"p1": 2, "r1": 0, "r2": 0})  # the explanation again, one operation
        before = self.requests()
        self.desk().call("inspect.view", what="wal", node="r1")
        self.assertEqual(self.asked_since(before), {"p1": 0, "r1": 2, "r2": 0})  # the stamp, the answer

    def test_a_rejected_command_is_neither_repeated_nor_followed_by_another(self):
        asked = self.explain("promote", "r2", None)
        before = self.requests()
        done = self.confirm(asked["challenge"], "promote r2")
        self.assertEqual(done["outcome"], "rejected")
        time.sleep(1)
        self.assertEqual(self.asked_since(before), {"p1": 0, "r1": 0, "r2": 2})
        self.assertEqual([self.cluster.status(name)["role"] for name in self.cluster.names], ["primary", "replica", "replica"])

    def test_a_demotion_is_not_followed_by_a_promotion(self):
        self.confirm(self.explain()["challenge"], "demote p1")
        time.sleep(1)
        self.assertEqual([self.cluster.status(name)["role"] for name in self.cluster.names], ["sealed", "replica", "replica"])
        self.assertEqual(self.stages().count("dispatched"), 1)

    def test_a_node_that_comes_back_is_left_alone(self):
        asked = self.explain()
        self.cluster.kill("p1")
        self.refused("UNREACHABLE", self.confirm, asked["challenge"], "demote p1")
        self.cluster.start("p1")
        before = self.requests()
        time.sleep(1)
        self.assertEqual(self.asked_since(before), {"p1": 0, "r1": 0, "r2": 0})
        self.assertEqual(self.cluster.status("p1")["role"], "primary")
        self.refused("CONFIRMATION_USED", self.confirm, asked["challenge"], "demote p1")

    def test_several_commands_do_not_fit_into_one_request(self):
        desk = self.desk()
        one = {"command": "demote", "node": "p1", "successor": "r1", "decline": None, "reason": "test"}
        for wrong in ({"command": ["demote", "promote"]}, {"node": ["p1", "r1"]}, {"command": "demote promote"}, {"then": "promote r1"}):
            with self.subTest(wrong=wrong):
                self.assertIn(self.code_of(desk, "command.explain", {**one, **wrong}), ("BAD_REQUEST", "UNKNOWN_FIELD"))
        asked = self.explain()
        for wrong in ({"challenge": [asked["challenge"]] * 2}, {"phrase": ["demote p1", "promote r1"]}, {"again": True}):
            with self.subTest(wrong=wrong):
                params = {"challenge": asked["challenge"], "phrase": "demote p1", "interactive": False, **wrong}
                self.assertIn(self.code_of(desk, "command.confirm", params), ("BAD_REQUEST", "UNKNOWN_FIELD"))
        self.assertEqual(self.cluster.status("p1")["role"], "primary")

    def code_of(self, client, method, params):
        with self.assertRaises(Exception) as caught:
            client.call(method, **params)
        self.assertNotIsInstance(caught.exception, ConnectionLost)
        return caught.exception.code

    def test_the_list_of_methods_is_closed(self):
        desk = self.desk()
        for method in ("control.demote", "control.promote", "control.decline", "control.diagnose", "storage.checkpoint", "storage.gc",
                       "replica.bootstrap", "replica.resume", "node.end_lineage", "command.run", "command.retry", "command.cancel",
                       "command.force", "schedule.add", "doc.insert", "schema.register"):
            self.assertEqual(self.code_of(desk, method, {}), "UNKNOWN_METHOD", method)

    def test_nothing_shown_is_a_judgment_or_advice(self):
        self.cluster.kill("r2")
        desk = ["--control-plane", "unix:c1.sock"]
        asked = [["inspect", "cluster", *desk], ["inspect", "node", "p1", *desk], ["inspect", "node", "r2", *desk], ["inspect", "replication", *desk],
                 *(["inspect", what, "p1", *desk] for what in VIEWS[1:]), ["audit", *desk], ["audit", "verify", *desk],
                 ["promote", "r2", "--reason", "test", *desk], ["outcome", "p1", "0" * 32, *desk],
                 *([*verb.split(), "--help"] for verb in ("inspect cluster", "inspect replication", "demote", "promote", "decline", "confirm",
                                                          "outcome"))]
        for words in asked:
            done = self.cluster.aerodb(*words, check=False)
            text = (done.stdout + done.stderr).lower()
            self.assertEqual([word for word in JUDGMENTS if word in text], [], f"{words}: {text}")

    def test_the_same_state_is_explained_in_the_same_bytes(self):
        first, second = self.explain(), self.explain()
        self.assertEqual(first["explanation"], second["explanation"])
        self.assertEqual(first["sha256"], second["sha256"])
        self.assertNotEqual(first["challenge"], second["challenge"])

    def test_an_explanation_that_would_accept_guarantees_nothing(self):
        asked = self.explain()
        self.assertTrue(asked["explanation"]["conclusion"]["status"].startswith("would be accepted"))
        with self.cluster.control("p1") as control:
            request = {"request_id": "e" * 32, "operator_name": "t", "reason": "t", "audit_head": None}
            control.call("control.demote", request=request, successor="r1", successor_instance=self.cluster.status("r1")["instance"])
        self.refused("EXPLANATION_CHANGED", self.confirm, asked["challenge"], "demote p1")

    def test_an_explanation_says_why_a_command_would_be_rejected(self):
        explained = self.explain("promote", "r2", None)["explanation"]
        self.assertEqual(explained["conclusion"]["status"], "undetermined")
        failed = [rule for rule in explained["rules_applied"] if rule["evaluation"] is not True]
        self.assertTrue(failed)
        self.assertTrue(all(rule["description"] for rule in failed))

    def test_an_explanation_names_every_rule_it_applied_and_its_evidence(self):
        rules = self.explain()["explanation"]["rules_applied"]
        self.assertTrue(rules)
        for rule in rules:
            self.assertRegex(rule["rule_id"], r"^[A-Z]+-\d+$")
            self.assertIn(rule["evaluation"], (True, False, None))
            self.assertTrue(rule["evidence"])

    def test_a_changed_audit_log_changes_no_answer_of_a_node(self):
        before = self.explain()
        path = self.cluster.dir / "audit" / "audit.jsonl"
        self.kill_desk()
        path.unlink()
        self.start_desk()
        after = self.explain()
        self.assertEqual(after["explanation"], before["explanation"])
        self.assertEqual(self.confirm(after["challenge"], "demote p1")["outcome"], "answered")


if __name__ == "__main__":
    unittest.main()
