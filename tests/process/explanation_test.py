"""Explanations of a real cluster, by the command line: saved, checked, and judged by the second implementation of the rules."""
import json
import sys
import unittest

import jsonschema

from harness import ROOT, ClusterTest, only_with, request, wait_until

load_tests = only_with("aerodb-explainer")

sys.path.append(str(ROOT / "tests/golden"))
import second_opinion  # noqa: E402

QUERY = {"collection": "notes", "schema_version": 1, "where": [{"field": "rank", "op": "ge", "value": 2}], "limit": 3}


class ExplanationTest(ClusterTest):
    def setUp(self):
        super().setUp()
        self.cluster.write_explainer()
        self.cluster.start_role("e1", "aerodb-explainer", "e1.toml")
        self.cluster.wait_listening("e1", self.cluster.explainer_port)
        self.validator = jsonschema.Draft202012Validator(json.loads((ROOT / "docs/explanation.schema.json").read_text()))
        with self.cluster.client("p1") as client:
            for number in range(1, 6):
                self.insert(client, number, author=f"a{number % 2}")
            client.call("doc.delete", collection="notes", id="n5")
        self.cluster.wait_in_step()

    def explain(self, *arguments, node="p1"):
        """What the explainer answers; saved, verified, and judged on the way."""
        done = self.cluster.aerodb("explain", *arguments, "--node", node, "--explainer", f"127.0.0.1:{self.cluster.explainer_port}",
                                   "--save", "saved.json", "-o", "json")
        answer = json.loads(done.stdout)
        explanation = answer["explanation"]
        self.assertEqual((answer["rules_follow"], answer.get("rules_follow_why")), ("true", None))
        self.assertNotEqual(answer["evidence_agrees"], "false", answer["evidence_why"])
        self.assertEqual(second_opinion.judge(explanation), [])
        self.assertEqual([error.message for error in self.validator.iter_errors(explanation)], [])
        saved = (self.cluster.dir / "saved.json").read_text()
        self.assertEqual(json.loads(saved)["explanation"], explanation)
        self.assertIn("holds", self.cluster.aerodb("explain", "verify", "saved.json").stdout)
        return explanation

    def checkpoint(self, node):
        self.cluster.aerodb("checkpoint", "--node", f"unix:{node}/maintenance.sock")

    def test_every_type_of_a_healthy_cluster(self):
        self.checkpoint("p1")
        read = self.explain("read", "notes", "n5")
        self.assertEqual(read["conclusion"], {"result": "no visible version"})
        query = self.explain("query", json.dumps(QUERY), node="r1")
        self.assertEqual((query["conclusion"]["status"], query["conclusion"]["plan"]["index"]), ("answered", "rank"))
        self.assertEqual(self.explain("recovery")["conclusion"]["status"], "recovered")
        self.assertEqual(self.explain("checkpoint")["conclusion"]["status"], "accepted")
        self.assertEqual(self.explain("checkpoint", node="r1")["conclusion"]["status"], "no checkpoint")
        self.assertEqual(self.explain("replication", node="r1")["conclusion"]["status"], "read-safe")
        self.assertEqual(self.explain("halt", node="r2")["conclusion"]["status"], "not halted")
        self.assertEqual(self.explain("promotion")["conclusion"]["status"], "no promotion decided it")
        promote = self.explain("command", "promote", node="r1")
        self.assertEqual(promote["conclusion"]["status"], "undetermined")

    def test_recovery_and_checkpoint_after_a_kill(self):
        self.checkpoint("p1")
        with self.cluster.client("p1") as client:
            self.insert(client, 6)
            commit = client.call("status")["commit_id"]
        self.cluster.kill("p1")
        self.cluster.start("p1")
        recovery = self.explain("recovery")
        self.assertEqual((recovery["conclusion"]["final_commit_id"], recovery["conclusion"]["state_valid"]), (commit, True))
        self.assertEqual(self.explain("checkpoint")["conclusion"]["status"], "accepted")

    def test_a_promotion_on_the_node_that_decided_it_and_on_another(self):
        instance = self.cluster.status("r1")["instance"]
        with self.cluster.control("p1") as control:
            seal = control.call("control.demote", request=request(1), successor="r1", successor_instance=instance)
        self.cluster.wait_applied("r1", seal["seal_lsn"])
        self.assertEqual(self.explain("command", "promote", node="r1")["conclusion"]["status"], "would be accepted on this evidence")
        with self.cluster.control("r1") as control:
            control.call("control.promote", request=request(2))
        granted = self.explain("promotion", node="r1")
        self.assertEqual((granted["conclusion"]["status"], granted["inputs"]["request_id"]), ("granted", request(2)["request_id"]))
        # What it was decided on outlives the process, and stands on that node alone.
        self.cluster.stop("s1-from-p1")
        self.cluster.kill("r1")
        self.cluster.start("r1")
        self.assertEqual(self.explain("promotion", node="r1"), granted)
        self.cluster.stop("p1")
        self.cluster.start("p1", binary="aerodb-replica")
        self.cluster.write_shipper("s1-from-r1", "r1")
        self.cluster.start_shipper("s1-from-r1")
        wait_until(lambda: self.cluster.status("p1")["epoch"] == 2, "p1 follows")
        self.assertEqual(self.explain("promotion", node="p1")["conclusion"]["status"], "undetermined")
        self.assertEqual(self.explain("promotion", "--epoch", "1", node="p1")["conclusion"]["status"], "no promotion decided it")

    def test_a_query_that_is_refused_is_explained(self):
        unbounded = self.explain("query", json.dumps({**QUERY, "where": [{"field": "text", "op": "eq", "value": "x"}]}))
        self.assertEqual(unbounded["conclusion"]["code"], "QUERY_UNBOUNDED")
        beyond = self.explain("query", json.dumps({**QUERY, "max_entries": 1, "limit": 2}))
        self.assertEqual(beyond["conclusion"]["code"], "QUERY_BOUND_EXCEEDED")

    def test_documents_and_their_explanation_come_from_one_run(self):
        done = self.cluster.aerodb("query", "notes", "--where", "rank>=2", "--limit", 3, "--explain", "-o", "json", "--node", f"127.0.0.1:{self.cluster.ports['p1'][0]}")
        answer = json.loads(done.stdout)
        explanation = answer["explanation"]["explanation"]
        self.assertEqual(second_opinion.judge(explanation), [])
        evidence = second_opinion.Evidence(explanation)
        self.assertEqual((evidence["documents_taken"], evidence["plan_hash"]), (len(answer["data"]["versions"]), answer["data"]["plan_hash"]))

    def test_a_changed_file_is_refused_by_name(self):
        self.explain("read", "notes", "n1")
        path = self.cluster.dir / "saved.json"
        path.write_text(path.read_text().replace('"evaluation":true', '"evaluation":null', 1))
        done = self.cluster.aerodb("explain", "verify", "saved.json", check=False)
        self.assertEqual(done.returncode, 65)
        self.assertIn("MVCC-4, rule 1", done.stdout)
        self.assertEqual(json.loads(self.cluster.aerodb("explain", "verify", "saved.json", "-o", "json", check=False).stdout)["part"], "MVCC-4, rule 1")

    def test_a_person_sees_every_rule_with_its_evidence(self):
        shown = self.cluster.aerodb("explain", "read", "notes", "n1", "--direct", "--node", f"127.0.0.1:{self.cluster.ports['p1'][0]}").stdout
        for text in ("mvcc.read_visibility", "MVCC-4  true", "A version with commit <= the bound", "conclusion", "sha256"):
            self.assertIn(text, shown)


if __name__ == "__main__":
    unittest.main()
