"""aerodb export: every document of one commit, whatever is written meanwhile, in a file that import reads again."""
import json
import threading
import unittest

from harness import OneNodeTest

EVERY_TYPE = {"collection": "types", "version": 1, "fields": [
    {"name": "_id", "type": "string", "required": True}, {"name": "raw", "type": "bytes"}, {"name": "number", "type": "int"},
    {"name": "share", "type": "float"}, {"name": "yes", "type": "bool"}, {"name": "inner", "type": "object", "fields": [{"name": "deep", "type": "float"}]}]}


class ExportTest(OneNodeTest):
    def node(self):
        return ("--node", f"127.0.0.1:{self.cluster.ports['p1'][0]}")

    def export(self, collection, file, *more):
        return json.loads(self.cluster.aerodb("export", collection, file, *more, *self.node(), "-o", "json").stdout)

    def lines(self, file):
        return [json.loads(line) for line in (self.cluster.dir / file).read_text().splitlines()]

    def test_has_each_document_of_one_commit_in_order_while_writes_go_on(self):
        self.fill(0, 300)
        at_commit = self.cluster.status("p1")["commit_id"]
        ended = threading.Event()

        def write():
            number = 1000
            while not ended.is_set():
                self.fill(number, number + 1)
                number += 1
        writer = threading.Thread(target=write)
        writer.start()
        try:
            report = self.export("notes", "notes.jsonl", "--at-commit", at_commit, "--page", 7)
        finally:
            ended.set()
            writer.join()
        self.assertEqual((report["documents"], report["at_commit"]), (300, at_commit))
        ids = [document["_id"] for document in self.lines("notes.jsonl")]
        self.assertEqual(ids, sorted(f"n{number}" for number in range(300)))
        self.assertEqual(report["bytes"], (self.cluster.dir / "notes.jsonl").stat().st_size)
        self.assertEqual(self.cluster.aerodb("export", "notes", "-", "--at-commit", at_commit, *self.node()).stdout,
                         (self.cluster.dir / "notes.jsonl").read_text())

    def test_of_a_commit_long_past_has_what_was_there_then(self):
        self.fill(1, 3)
        past = self.cluster.status("p1")["commit_id"]
        with self.cluster.client("p1") as client:
            client.call("doc.update", collection="notes", schema_version=1, document={"_id": "n1", "rank": 77})
            client.call("doc.delete", collection="notes", id="n2")
        self.export("notes", "then.jsonl", "--at-commit", past)
        self.assertEqual([document["rank"] for document in self.lines("then.jsonl")], [1, 2])
        self.export("notes", "now.jsonl")
        self.assertEqual([document["rank"] for document in self.lines("now.jsonl")], [77])

    def test_large_documents_come_in_smaller_pages(self):
        with self.cluster.client("p1") as client:
            client.call("schema.register", schema={"collection": "blobs", "version": 1, "fields": [
                {"name": "_id", "type": "string", "required": True}, {"name": "text", "type": "string"}]})
            for number in range(40):
                client.call("doc.insert", collection="blobs", schema_version=1, document={"_id": f"{number:02}", "text": "x" * 900_000})
        self.assertEqual(self.export("blobs", "blobs.jsonl")["documents"], 40)
        self.assertEqual([document["_id"] for document in self.lines("blobs.jsonl")], [f"{number:02}" for number in range(40)])

    def test_what_was_exported_is_imported_as_the_same_documents(self):
        with self.cluster.client("p1") as client:
            client.call("schema.register", schema=EVERY_TYPE)
        documents = [{"_id": "a", "raw": "00ff", "number": -7, "share": 0.1, "yes": True, "inner": {"deep": -0.5}},
                     {"_id": "b", "share": 3.0, "number": 9007199254740993}, {"_id": "c\n\"ü"}]
        (self.cluster.dir / "in.jsonl").write_text("\n".join(json.dumps(document) for document in documents))
        self.cluster.aerodb("import", "types", "in.jsonl", *self.node())
        self.export("types", "out.jsonl")
        with self.cluster.client("p1") as client:
            for document in documents:
                client.call("doc.delete", collection="types", id=document["_id"])
        self.cluster.aerodb("import", "types", "out.jsonl", *self.node())
        self.export("types", "again.jsonl")
        self.assertEqual((self.cluster.dir / "again.jsonl").read_text(), (self.cluster.dir / "out.jsonl").read_text())
        self.assertEqual(len(self.lines("again.jsonl")), 3)

    def test_a_file_that_exists_is_left_alone_and_a_failure_leaves_none(self):
        kept = self.cluster.dir / "kept.jsonl"
        kept.write_text("kept")
        refused = self.cluster.aerodb("export", "notes", "kept.jsonl", *self.node(), check=False)
        self.assertEqual((refused.returncode, kept.read_text()), (64, "kept"))
        for words in (("nowhere", "new.jsonl"), ("notes", "new.jsonl", "--at-commit", 10_000), ("notes", "no/such/new.jsonl")):
            self.assertNotEqual(self.cluster.aerodb("export", *words, *self.node(), check=False).returncode, 0, words)
        self.assertEqual(list(self.cluster.dir.glob("new.jsonl*")), [])


if __name__ == "__main__":
    unittest.main()
