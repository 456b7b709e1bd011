"""The independent witness over a real cluster: explanations, both verdicts, GET only."""
import http.client
import json
import unittest

from harness import ClusterTest, only_with, wait_until

load_tests = only_with("aerodb-explainer")


class ExplainerTest(ClusterTest):
    def setUp(self):
        super().setUp()
        self.cluster.write_explainer()
        self.cluster.start_role("e1", "aerodb-explainer", "e1.toml")
        self.cluster.wait_listening("e1", self.cluster.http_port)
        with self.cluster.client("p1") as client:
            self.insert(client, 1, text="first")
            client.call("doc.update", collection="notes", schema_version=1, document={"_id": "n1", "rank": 2})
            client.call("doc.delete", collection="notes", id="n1")
            self.insert(client, 2)
        self.cluster.wait_in_step()

    def http(self, path, method="GET", host=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.cluster.http_port, timeout=30)
        self.addCleanup(connection.close)
        connection.request(method, path, headers={"Host": host} if host else {})
        response = connection.getresponse()
        body = response.read()
        return response.status, json.loads(body) if body else None

    def test_a_read_on_a_replica_is_proven(self):
        status, answer = self.http("/v1/explain/read?node=r1&collection=notes&id=n2")
        self.assertEqual(status, 200, answer)
        data = answer["data"]
        self.assertEqual(data["rules_follow"], "true")
        self.assertEqual((data["evidence_checked"], data["evidence_agrees"]), ("log", "true"))
        self.assertIn("visible_version", data["explanation"]["conclusion"])

    def test_explanations_are_equal_on_every_node_at_a_commit(self):
        commit = self.cluster.status("p1")["commit_id"]
        for number in (1, 2, 3):
            explanations = set()
            for node in ("p1", "r1", "r2"):
                status, answer = self.http(f"/v1/explain/read?node={node}&collection=notes&id=n{number}&at_commit={commit}")
                self.assertEqual(status, 200, answer)
                explanations.add(json.dumps(answer["data"]["explanation"]))
            self.assertEqual(len(explanations), 1)

    def test_each_state_of_a_document_has_its_conclusion(self):
        conclusions = []
        last = self.cluster.status("p1")["commit_id"]
        for commit in range(0, last + 1):
            _, answer = self.http(f"/v1/explain/read?node=p1&collection=notes&id=n1&at_commit={commit}")
            conclusion = answer["data"]["explanation"]["conclusion"]
            conclusions.append(conclusion.get("visible_version", {}).get("commit_id"))
        self.assertEqual(conclusions, [None, 1, 2, None, None])

    def test_replication_safety_on_evidence_of_both_sides(self):
        status, answer = self.http("/v1/explain/replication?node=r2")
        self.assertEqual(status, 200, answer)
        self.assertEqual(answer["data"]["explanation"]["conclusion"], {"status": "read-safe"})
        self.cluster.kill("p1")
        _, answer = self.http("/v1/explain/replication?node=r2")
        self.assertEqual(answer["data"]["explanation"]["conclusion"]["status"], "undetermined")

    def test_status_and_replication_show_an_unreachable_node_as_unreached(self):
        self.cluster.kill("r2")
        for path in ("/v1/status", "/v1/replication"):
            status, answer = self.http(path)
            self.assertEqual(status, 200)
            self.assertIn("r2", json.dumps(answer))
            self.assertIn("UNREACHABLE", json.dumps(answer))

    def test_only_get_known_routes_and_known_hosts(self):
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            status, answer = self.http("/v1/status", method=method)
            self.assertEqual(status, 405)
            self.assertEqual(answer["error"]["code"], "METHOD_NOT_ALLOWED")
        status, answer = self.http("/v1/nothing")
        self.assertEqual((status, answer["error"]["code"]), (404, "NOT_FOUND"))
        status, answer = self.http("/v1/status", host="evil.example")
        self.assertEqual((status, answer["error"]["code"]), (403, "HOST_NOT_ALLOWED"))

    def test_an_explanation_over_rpc_by_the_command_line(self):
        done = self.cluster.aerodb("explain", "read", "notes", "n2", "--node", "r1", "--explainer", f"127.0.0.1:{self.cluster.explainer_port}", "-o", "json")
        answer = json.loads(done.stdout)
        self.assertEqual(answer["rules_follow"], "true")
        wait_until(lambda: answer["explanation"]["explanation_type"] == "mvcc.read_visibility", "the type")


if __name__ == "__main__":
    unittest.main()
