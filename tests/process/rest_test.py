"""REST on primary and replica: real binaries, plain HTTP, answers as docs/openapi/node.json describes them."""
import http.client
import json
import socket
import threading
import unittest
import warnings

import jsonschema

from harness import ROOT, Cluster, ClusterTest, free_port, wait_until

OPENAPI = ROOT / "docs/openapi/node.json"
DOCUMENTS = "/v1/collections/notes/documents"


class RestCluster(Cluster):
    def write_node(self, name, file=None, data_dir=None):
        path = super().write_node(name, file, data_dir)
        self.http_ports = getattr(self, "http_ports", {})
        port = self.http_ports.setdefault(name, free_port())
        path.write_text(path.read_text() + f'[http]\nlisten = "127.0.0.1:{port}"\n[documents]\nmax_bytes = 4096\n')
        return path


def as_json(value):
    """A MessagePack answer as the JSON that the same answer has over HTTP."""
    def hexed(value):
        if isinstance(value, bytes):
            return value.hex()
        if isinstance(value, list):
            return [hexed(element) for element in value]
        if isinstance(value, dict):
            return {key: hexed(member) for key, member in value.items()}
        return value
    return json.dumps(hexed(value), separators=(",", ":"), ensure_ascii=False)


class RestTest(ClusterTest):
    replicas = 1

    def make_cluster(self):
        return RestCluster(replicas=self.replicas)

    def setUp(self):
        super().setUp()
        self.openapi = json.loads(OPENAPI.read_text())

    def validate(self, operation, status, sent, body):
        """Holds an answer, and a request that was answered, against the description of its route."""
        described = self.openapi["paths"][operation[1]][operation[0].lower()]
        response = described["responses"]["200" if status == 200 else "default"]
        if "$ref" in response:
            response = self.openapi["components"]["responses"][response["$ref"].split("/")[-1]]
        self.assertEqual("requestBody" in described, sent is not None)
        if sent is not None and status == 200:
            self.validate_as(described["requestBody"], sent)
        self.validate_as(response, body)

    def validate_as(self, described, body):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            resolver = jsonschema.RefResolver(base_uri=OPENAPI.as_uri(), referrer=self.openapi)
        jsonschema.Draft202012Validator(described["content"]["application/json"]["schema"], resolver=resolver).validate(body)

    def route_of(self, method, target):
        given = target.split("?")[0].split("/")
        for path, operations in self.openapi["paths"].items():
            wanted = path.split("/")
            if len(wanted) == len(given) and all(w == g or w.startswith("{") for w, g in zip(wanted, given)) and method.lower() in operations:
                return method, path
        return None

    def raw(self, node, method, target, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.cluster.http_ports[node], timeout=30)
        self.addCleanup(connection.close)
        headers = dict(headers or {})
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        connection.request(method, target, body=body, headers=headers)
        response = connection.getresponse()
        return response, response.read()

    def rest(self, method, target, body=None, node="p1", receipt=None):
        headers = {"AeroDB-Receipt": json.dumps(receipt)} if receipt else {}
        response, answer = self.raw(node, method, target, None if body is None else json.dumps(body), headers)
        answer = json.loads(answer)
        if route := self.route_of(method, target):
            self.validate(route, response.status, body, answer)
        return response.status, answer

    def good(self, *arguments, **options):
        status, answer = self.rest(*arguments, **options)
        self.assertEqual(status, 200, answer)
        return answer

    def code(self, *arguments, **options):
        status, answer = self.rest(*arguments, **options)
        return status, answer.get("error", {}).get("code", "OK")

    def test_documents_are_written_read_listed_and_deleted(self):
        receipts = [self.good("POST", DOCUMENTS, {"_id": "n1", "rank": 1, "author": "ann"})["receipt"]]
        receipts.append(self.good("PUT", DOCUMENTS + "/n1", {"_id": "n1", "rank": 2})["receipt"])
        receipts.append(self.good("DELETE", DOCUMENTS + "/n1")["receipt"])
        self.assertEqual([receipt["commit_id"] for receipt in receipts], [1, 2, 3])
        self.assertIsNone(self.good("GET", DOCUMENTS + "/n1")["data"]["version"])
        self.assertEqual(self.good("GET", DOCUMENTS + "/n1?at_commit=2")["data"]["version"]["document"], {"_id": "n1", "rank": 2})
        versions = []
        page = self.good("GET", DOCUMENTS + "/n1/history?limit=1")["data"]
        while True:
            versions += page["versions"]
            if page["complete"]:
                break
            page = self.good("GET", f"{DOCUMENTS}/n1/history?limit=1&before_commit={versions[-1]['commit_id']}")["data"]
        self.assertEqual([version["commit_id"] for version in versions], [3, 2, 1])
        self.assertEqual(self.code("DELETE", DOCUMENTS + "/n1"), (404, "NO_SUCH_DOCUMENT"))

    def test_queries_batches_and_schemas(self):
        insert = lambda number: {"op": "insert", "collection": "notes", "if_commit": 0, "document": {"_id": f"n{number}", "rank": number}}
        self.good("POST", "/v1/write", {"operations": [insert(number) for number in range(9)]})
        self.assertEqual(self.code("POST", "/v1/write", {"operations": [insert(9), insert(3)]}), (409, "PRECONDITION_FAILED"))
        self.assertIsNone(self.good("GET", DOCUMENTS + "/n9")["data"]["version"])
        query = {"where": [{"field": "rank", "op": "ge", "value": 4}], "sort": "rank", "limit": 2}
        first = self.good("POST", "/v1/collections/notes/query", query)["data"]
        self.assertEqual([version["document"]["rank"] for version in first["versions"]], [4, 5])
        after = {"at_commit": first["at_commit"], "after": {"sort_value": 5, "id": "n5"}, "explain": True}
        second = self.good("POST", "/v1/collections/notes/query", {**query, **after})
        self.assertEqual([version["document"]["rank"] for version in second["data"]["versions"]], [6, 7])
        self.assertEqual(second["explanation"]["explanation"]["explanation_type"], "query.execution")
        self.good("POST", "/v1/schemas", {"collection": "files", "version": 1, "fields": {"_id": {"type": "string", "required": True}, "hash": {"type": "bytes"}}})
        self.good("POST", "/v1/collections/files/documents", {"_id": "a/b", "hash": "00ff"})
        self.assertEqual(self.good("GET", "/v1/collections/files/documents/a%2Fb")["data"]["version"]["document"], {"_id": "a/b", "hash": "00ff"})
        self.assertEqual([schema["collection"] for schema in self.good("GET", "/v1/schemas")["schemas"]], ["files", "notes"])

    def test_the_answer_is_the_one_of_the_method_on_every_node(self):
        for number in range(5):
            self.good("POST", DOCUMENTS, {"_id": f"n{number}", "rank": number, "text": "ü\n\u0001"})
        self.cluster.wait_in_step()
        for node in self.cluster.names:
            with self.cluster.client(node) as client:
                for number in range(6):
                    for commit in (1, 5):
                        answer = self.get(client, number, at_commit=commit)
                        _, body = self.raw(node, "GET", f"{DOCUMENTS}/n{number}?at_commit={commit}")
                        self.assertTrue(body.decode().startswith('{"data":' + as_json(answer["data"]) + ',"receipt":'), body)
                status, expected = self.good("GET", "/v1/status", node=node), client.call("status")
                self.assertEqual(as_json(status), as_json(expected))

    def test_a_receipt_of_the_primary_holds_on_the_replica(self):
        receipt = self.good("POST", DOCUMENTS, {"_id": "n1", "rank": 1})["receipt"]
        wait_until(lambda: self.rest("GET", DOCUMENTS + "/n1", node="r1", receipt=receipt)[0] == 200, "r1 at the receipt")
        self.assertEqual(self.good("GET", DOCUMENTS + "/n1", node="r1", receipt=receipt)["data"]["version"]["commit_id"], receipt["commit_id"])
        self.assertEqual(self.code("GET", DOCUMENTS + "/n1", node="r1", receipt={**receipt, "lsn": receipt["lsn"] + 1000}), (409, "BEHIND"))
        self.assertEqual(self.code("GET", DOCUMENTS + "/n1", node="r1", receipt={**receipt, "lineage": "00" * 16}), (409, "LINEAGE_UNKNOWN"))
        for method, target, body in (("POST", DOCUMENTS, {"_id": "x"}), ("DELETE", DOCUMENTS + "/n1", None),
                                     ("POST", "/v1/write", {"operations": [{"op": "delete", "collection": "notes", "id": "n1"}]})):
            self.assertEqual(self.code(method, target, body, node="r1"), (409, "NOT_PRIMARY"))

    def test_an_acknowledged_write_outlives_a_kill(self):
        self.good("POST", DOCUMENTS, {"_id": "n1", "rank": 1})
        self.cluster.kill("p1")
        self.cluster.start("p1")
        self.assertEqual(self.good("GET", DOCUMENTS + "/n1")["data"]["version"]["document"]["rank"], 1)

    def test_a_stop_amid_requests_is_clean_and_keeps_what_was_acknowledged(self):
        acknowledged = []
        def write():
            connection = http.client.HTTPConnection("127.0.0.1", self.cluster.http_ports["p1"], timeout=30)
            try:
                for number in range(100000):
                    connection.request("POST", DOCUMENTS, json.dumps({"_id": f"n{number}"}), {"Content-Type": "application/json"})
                    response = connection.getresponse()
                    response.read()
                    if response.status == 200:
                        acknowledged.append(number)
            except (OSError, http.client.HTTPException):
                pass
            finally:
                connection.close()
        writer = threading.Thread(target=write)
        writer.start()
        wait_until(lambda: len(acknowledged) > 50, "writes")
        self.assertEqual(self.cluster.stop("p1"), 0)
        writer.join(30)
        self.cluster.start("p1")
        commit = self.good("GET", "/v1/status")["commit_id"]
        self.assertGreaterEqual(commit, len(acknowledged))

    def test_an_address_that_is_taken_ends_the_start_by_name(self):
        self.cluster.kill("p1")
        with socket.create_server(("127.0.0.1", self.cluster.http_ports["p1"])):
            code, text = self.cluster.run_to_end("p1", "aerodb-primary", "p1.toml")
        self.assertNotEqual(code, 0)
        self.assertIn(f"127.0.0.1:{self.cluster.http_ports['p1']}", text)

    def test_a_second_process_on_the_directory_is_told_so_and_not_of_a_taken_address(self):
        code, text = self.cluster.run_to_end("second", "aerodb-primary", "p1.toml")
        self.assertEqual(code, 85)
        self.assertIn("LOCKED", text)
        self.good("GET", "/v1/status")

    def test_hostile_requests_are_refused_and_harm_nothing(self):
        self.assertEqual(self.code("GET", "/v1/nothing"), (404, "NOT_FOUND"))
        response, body = self.raw("p1", "PATCH", DOCUMENTS + "/n1")
        self.assertEqual((response.status, response.headers["Allow"]), (405, "GET, PUT, DELETE"))
        response, body = self.raw("p1", "GET", "/v1/status", headers={"Host": "evil.example"})
        self.assertEqual((response.status, json.loads(body)["error"]["code"]), (403, "HOST_NOT_ALLOWED"))
        response, body = self.raw("p1", "POST", DOCUMENTS, body='{"_id":"x"}', headers={"Content-Type": "text/plain"})
        self.assertEqual((response.status, json.loads(body)["error"]["code"]), (400, "BAD_REQUEST"))
        for target in (DOCUMENTS + "/%00", DOCUMENTS + "/%ff", DOCUMENTS + "/%zz", DOCUMENTS + "/" + "x" * 513, DOCUMENTS + "/a?at_commit=99999999999999999999"):
            response, body = self.raw("p1", "GET", target)
            self.assertEqual((response.status, json.loads(body)["error"]["code"]), (400, "BAD_REQUEST"), target)
        for text in ("", "{", "[" * 10000, '{"_id":"a","_id":"a"}', '{"_id":1e999}', "\x00", '"' + "x" * 4000):
            response, body = self.raw("p1", "POST", DOCUMENTS, body=text)
            self.assertEqual((response.status, json.loads(body)["error"]["code"]), (400, "BAD_REQUEST"), text[:20])
        self.assertEqual(self.code("POST", DOCUMENTS, {"_id": "x", "text": "x" * 5000}), (413, "DOCUMENT_TOO_LARGE"))
        response, body = self.raw("p1", "POST", DOCUMENTS, body="x" * (4 * 4096 + (64 << 10) + 1))
        self.assertEqual((response.status, json.loads(body)["error"]["code"]), (413, "MESSAGE_TOO_LARGE"))
        for data in (b"\x94\x00\x01\xa4ping\x90", b"GET / HTTP/9.9\r\n\r\n", b"POST /v1/write HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", self.cluster.http_ports["p1"]), 20) as stream:
                stream.sendall(data)
        self.assertEqual(self.good("GET", "/v1/status")["state"], "READY")
        self.assertIsNone(self.good("GET", DOCUMENTS + "/x")["data"]["version"])


if __name__ == "__main__":
    unittest.main()
