"""The observability API of a real cluster: live answers by their schemas, pages, both verdicts of every type, bounds."""
import http.client
import json
import subprocess
import unittest
import urllib.parse
import warnings

import jsonschema

from harness import ROOT, ClusterTest, only_with, request, wait_until

load_tests = only_with("aerodb-explainer")

OPENAPI = ROOT / "docs/openapi/explainer.json"
QUERY = json.dumps({"collection": "notes", "schema_version": 1, "where": [], "sort": "_id", "limit": 5})
# What each route is asked with; routes of one node get `node` beside it.
EXAMPLES = {
    "/v1/explain/read": {"collection": "notes", "id": "n2"},
    "/v1/explain/query": {"query": QUERY},
    "/v1/explain/command": {"command": "promote"},
}
# The other form of a route.
OTHERS = {"/v1/mvcc": {"collection": "notes", "id": "n2"}}


class ObservabilityTest(ClusterTest):
    def setUp(self):
        super().setUp()
        self.cluster.write_controlplane()
        self.cluster.start_role("c1", "aerodb-controlplane", "c1.toml")
        self.cluster.wait_listening("c1", self.cluster.inspect_port)
        self.cluster.write_explainer()
        self.cluster.start_role("e1", "aerodb-explainer", "e1.toml")
        self.cluster.wait_listening("e1", self.cluster.http_port)
        with self.cluster.client("p1") as client:
            for number in range(1, 8):
                self.insert(client, number)
            client.call("doc.update", collection="notes", schema_version=1, document={"_id": "n2", "rank": 9})
        self.cluster.aerodb("checkpoint", "--node", "unix:p1/maintenance.sock", "--reason", "test")
        self.cluster.wait_in_step()
        self.openapi = json.loads(OPENAPI.read_text())

    def http(self, path, **parameters):
        """Status, headers and body as text."""
        connection = http.client.HTTPConnection("127.0.0.1", self.cluster.http_port, timeout=30)
        self.addCleanup(connection.close)
        connection.request("GET", path + ("?" + urllib.parse.urlencode(parameters) if parameters else ""))
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read().decode()

    def answer(self, path, **parameters):
        status, _, body = self.http(path, **parameters)
        self.assertEqual(status, 200, f"{path} {parameters}: {body}")
        return json.loads(body)

    def validator(self, schema):
        """Of a schema of the OpenAPI document; what it refers to lies beside it."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            resolver = jsonschema.RefResolver(base_uri=OPENAPI.as_uri(), referrer=self.openapi)
            return jsonschema.Draft202012Validator(schema, resolver=resolver)

    def validate(self, path, body):
        response = self.openapi["paths"][path]["get"]["responses"]["200"]
        self.validator(response["content"]["application/json"]["schema"]).validate(body)

    def requests(self):
        """Each route with parameters that it answers."""
        for path, methods in self.openapi["paths"].items():
            self.assertEqual(list(methods), ["get"], path)
            names = [p["name"] for p in methods["get"]["parameters"]]
            required = [p["name"] for p in methods["get"]["parameters"] if p["required"]]
            example = EXAMPLES.get(path, {})
            self.assertLessEqual(set(example), set(names), path)
            if "node" not in required:
                yield path, example
            if "node" in names:
                for node in self.cluster.names:
                    yield path, {"node": node, **example}
            if path in OTHERS:
                yield path, {"node": "r1", **OTHERS[path]}

    def test_every_live_answer_is_what_its_schema_says(self):
        asked = set()
        for path, parameters in self.requests():
            with self.subTest(path=path, **parameters):
                if path == "/metrics":
                    continue
                body = self.answer(path, **parameters)
                self.validate(path, body)
                self.assertEqual(body["observed_at"]["node"], parameters.get("node"))
                asked.add(path)
        self.assertEqual(asked, set(self.openapi["paths"]) - {"/metrics"})

    def test_a_shape_that_is_not_in_the_schema_is_found(self):
        body = self.answer("/v1/status", node="p1")
        del body["data"]["floor"]
        with self.assertRaises(jsonschema.ValidationError):
            self.validate("/v1/status", body)

    def test_every_refusal_has_the_form_of_an_error(self):
        self.cluster.kill("r2")
        error = self.validator(self.openapi["components"]["schemas"]["Error"])
        for path, parameters, status, code in (
            ("/v1/nowhere", {}, 404, "NOT_FOUND"),
            ("/v1/wal", {}, 400, "MISSING_FIELD"),
            ("/v1/wal", {"node": "r2"}, 502, "UNREACHABLE"),
            ("/v1/wal", {"node": "r9"}, 404, "UNKNOWN_NODE"),
            ("/v1/events", {"node": "p1", "limit": 1001}, 400, "BAD_REQUEST"),
            ("/v1/explain/query", {"node": "p1", "query": "{"}, 400, "BAD_REQUEST"),
            ("/v1/explain/promotion", {"node": "p1", "epoch": 0}, None, None),
            ("/v1/explain/command", {"node": "p1", "command": "abdicate"}, 400, "BAD_REQUEST"),
            ("/metrics", {"node": "r2"}, 502, "UNREACHABLE"),
        ):
            with self.subTest(path=path, **parameters):
                got, _, body = self.http(path, **parameters)
                error.validate(json.loads(body))
                if status:
                    self.assertEqual((got, json.loads(body)["error"]["code"]), (status, code))

    def test_every_type_has_both_verdicts_on_every_node(self):
        checked = {}
        for path, parameters in self.requests():
            if not path.startswith("/v1/explain/"):
                continue
            data = self.answer(path, **parameters)["data"]
            with self.subTest(path=path, **parameters):
                self.assertEqual(data["rules_follow"], "true", data["rules_follow_why"])
                self.assertNotEqual(data["evidence_agrees"], "false", data["evidence_why"])
            checked.setdefault(path.rpartition("/")[2], set()).add((data["evidence_checked"], data["evidence_agrees"]))
        self.assertEqual(checked["query"], {("peer", "true")})
        for kind in ("halt", "command"):
            self.assertEqual(checked[kind], {("status", "true")})
        for kind in ("read", "recovery", "checkpoint", "replication", "promotion"):
            self.assertIn(("log", "true"), checked[kind], kind)

    def test_a_handover_is_explained_and_found_in_the_log(self):
        instance = self.cluster.status("r1")["instance"]
        with self.cluster.control("p1") as control:
            sealed = control.call("control.demote", request=request(1), successor="r1", successor_instance=instance)
        self.cluster.wait_applied("r1", sealed["seal_lsn"])
        with self.cluster.control("r1") as control:
            control.call("control.promote", request=request(2))
        body = self.answer("/v1/explain/promotion", node="r1")
        self.validate("/v1/explain/promotion", body)
        data = body["data"]
        self.assertEqual(data["rules_follow"], "true", data["rules_follow_why"])
        self.assertEqual((data["evidence_checked"], data["evidence_agrees"]), ("log", "true"), data["evidence_why"])
        self.assertEqual(data["explanation"]["conclusion"]["status"], "granted")
        first = self.answer("/v1/explain/promotion", node="r1", epoch=1)["data"]["explanation"]["conclusion"]
        self.assertEqual(first["started_by"], "init")

    def test_pages_of_events_hold_each_once(self):
        whole = self.answer("/v1/events", node="p1", limit=1000)["data"]["events"]
        self.assertGreater(len(whole), 3)
        pages, after = [], 0
        while after is not None:
            body = self.answer("/v1/events", node="p1", limit=2, after_number=after)
            pages += body["data"]["events"]
            after = body["next"] and body["next"]["after_number"]
        self.assertEqual([e["number"] for e in pages][:len(whole)], [e["number"] for e in whole])

    def test_pages_of_versions_hold_each_once(self):
        with self.cluster.client("p1") as client:
            for rank in range(5):
                client.call("doc.update", collection="notes", schema_version=1, document={"_id": "n1", "rank": rank})
        commits, parameters = [], {}
        while parameters is not None:
            body = self.answer("/v1/mvcc", node="p1", collection="notes", id="n1", limit=2, **parameters)
            commits += [v["commit_id"] for v in body["data"]["versions"]]
            parameters = body["next"]
        self.assertEqual(len(commits), 6)
        self.assertEqual(commits, sorted(set(commits), reverse=True))

    def test_metrics_are_what_prometheus_reads_and_stats_says(self):
        for parameters in ({}, {"node": "p1"}, {"node": "r1"}):
            status, headers, text = self.http("/metrics", **parameters)
            self.assertEqual(status, 200, text)
            self.assertTrue(headers["Content-Type"].startswith("text/plain; version=0.0.4"), headers)
            checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
            self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        with self.cluster.client("p1") as client:
            stats = {m["name"]: m["value"] for m in client.call("observe.stats")["metrics"]}
        values = dict(line.split(" ") for line in self.http("/metrics", node="p1")[2].splitlines() if not line.startswith("#"))
        self.assertEqual(int(values["aerodb_wal_durable_lsn"]), stats["wal_durable_lsn"])
        self.assertEqual(int(values["aerodb_writes_committed_total"]), stats["writes_committed_count"])
        self.assertEqual(round(float(values["aerodb_recovery_seconds"]) * 1e6), stats["recovery_us"])
        self.assertEqual(int(values["aerodb_wal_sync_seconds_count"]), stats["wal_sync_count"])

    def test_the_explainers_own_metrics_are_the_same_over_rpc(self):
        from rpc import Client
        client = Client(f"127.0.0.1:{self.cluster.explainer_port}")
        self.addCleanup(client.close)
        stats = {m["name"]: m["value"] for m in client.call("observe.stats")["metrics"]}
        self.assertGreaterEqual(stats["connections_accepted_count"], 1)
        self.assertIn("explainer_mismatches_count", stats)

    def test_every_answer_forbids_what_no_page_of_ours_needs(self):
        for path in ("/v1/nodes", "/metrics", "/v1/nowhere"):
            _, headers, _ = self.http(path)
            self.assertEqual(headers["Content-Security-Policy"], "default-src 'self'")
            self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
            self.assertNotIn("Access-Control-Allow-Origin", headers)

    def test_a_request_head_beyond_its_bound_is_refused(self):
        for path, parameters in (("/v1/explain/query", {"node": "p1", "query": "x" * (20 << 10)}), ("/" + "x" * (1 << 20), {})):
            try:
                status, _, _ = self.http(path, **parameters)
                self.assertGreaterEqual(status, 400)
            except (http.client.HTTPException, ConnectionError):
                pass  # closed without an answer
            self.answer("/v1/status", node="p1")

    def test_a_disabled_explainer_listens_nowhere(self):
        self.assertEqual(self.cluster.stop("e1"), 0)
        path = self.cluster.dir / "e1.toml"
        path.write_text(path.read_text().replace('name = "e1"', 'name = "e1"\nenabled = false', 1))
        self.cluster.start_role("e1", "aerodb-explainer", "e1.toml")
        wait_until(lambda: "explainer.disabled" in self.cluster.log("e1"), "the line that says so")
        with self.assertRaises(OSError):
            self.http("/v1/nodes")
        self.assertTrue(self.cluster.processes["e1"].running())


if __name__ == "__main__":
    unittest.main()
