"""Every verb that prints JSON prints what docs/console-output.md says. The harness compares; here each verb is asked."""
import json
import unittest

import console_json
from desk import DeskTest
from harness import is_built, wait_until

# These need nodes that halted or are lost, which repair_test.py has; the harness compares their answers there.
IN_REPAIR_TEST = {"resume", "bootstrap", "repair", "end-lineage", "orphans export"}


class ConsoleJsonTest(DeskTest):
    def asked(self, *words, form="json", check=True):
        done = self.cluster.aerodb(*words, *(("-o", form) if form else ()), check=check)
        self.seen.add(console_json.check([*words, "-o", form], done.stdout))
        return done.stdout

    def test_every_verb_prints_what_is_described(self):
        self.seen = set()
        for about in (self.documents, self.storage, self.explanations, self.control, self.offline):
            about()
        self.assertEqual(console_json.VERBS.keys() - self.seen, IN_REPAIR_TEST)

    def documents(self):
        node = ("--node", f"127.0.0.1:{self.cluster.ports['p1'][0]}")
        (self.cluster.dir / "more.json").write_text(json.dumps({"collection": "more", "version": 1, "fields": [
            {"name": "_id", "type": "string", "required": True}, {"name": "rank", "type": "int", "indexed": True}]}))
        (self.cluster.dir / "rows.json").write_text(json.dumps([{"_id": f"i{rank}", "rank": rank} for rank in range(5)]))
        self.asked("schema", "register", "more.json", *node)
        self.asked("insert", "more", '{"_id": "a", "rank": 1}', *node)
        self.asked("update", "more", '{"_id": "a", "rank": 2}', *node)
        self.asked("import", "more", "rows.json", *node)
        for form in ("json", "jsonl"):
            self.asked("schema", "list", *node, form=form)
            self.asked("query", "more", "--where", "rank>=1", "--limit", 3, *node, form=form)
            self.asked("history", "more", "a", *node, form=form)
            self.asked("stats", *node, form=form)
            self.asked("events", *node, form=form)
        self.asked("query", "more", "--where", "rank>=1", "--limit", 3, "--explain", *node)
        self.asked("export", "more", "more.jsonl", *node)
        self.asked("get", "more", "a", *node)
        self.asked("get", "more", "nobody", *node)
        self.asked("delete", "more", "a", *node)
        self.asked("history", "more", "a", *node)
        for where in (node, ("--node", f"127.0.0.1:{self.cluster.ports['r1'][0]}")):
            self.asked("status", *where)
        self.cluster.wait_in_step()
        shown = json.loads(self.asked("status", "--node", f"127.0.0.1:{self.cluster.shipper_port}"))
        self.assertEqual([target["target"] for target in shown["targets"]], ["r1", "r2"])

    def storage(self):
        config = ("--config", "p1.toml")
        self.asked("checkpoint", *config)
        self.asked("snapshot", "--name", "kept", *config)
        self.asked("insert", "more", '{"_id": "b"}', "--node", f"127.0.0.1:{self.cluster.ports['p1'][0]}")
        self.asked("checkpoint", "--no-wait", *config)
        wait_until(lambda: json.loads(self.asked("operation", *config))["stage"] == "done", "the checkpoint")
        self.asked("gc", "--floor", "3", "--reason", "test", "--phrase", "drop history below 3", *config)
        self.asked("compact", *config)
        self.asked("backup", "--output", "b.tar", *config)

    def explanations(self):
        node = f"127.0.0.1:{self.cluster.ports['p1'][0]}"
        where = ("--direct", "--node", node)
        if is_built("aerodb-explainer"):
            self.cluster.write_explainer()
            self.cluster.start_role("e1", "aerodb-explainer", "e1.toml")
            self.cluster.wait_listening("e1", self.cluster.explainer_port)
            where = ("--explainer", f"127.0.0.1:{self.cluster.explainer_port}", "--node", "p1")
        for words in (("read", "more", "b"), ("replication",), ("recovery",), ("checkpoint",), ("halt",), ("promotion",), ("command", "promote"),
                      ("command", "diagnose"), ("query", '{"collection": "more", "schema_version": 1, "where": []}')):
            self.asked("explain", *words, *where)
        self.asked("explain", "halt", "--direct", "--node", node, "--save", "halt.json")
        self.asked("explain", "verify", "halt.json")

    def control(self):
        desk = ("--control-plane", "unix:c1.sock")
        self.asked("inspect", "cluster", *desk, form="jsonl")
        self.asked("inspect", "node", "p1", *desk)
        self.asked("inspect", "replication", *desk)
        for what in ("promotion", "authority", "wal", "snapshots", "checkpoints"):
            self.asked("inspect", what, "p1", *desk, form="jsonl")
        for words in (("promote", "r1"), ("decline", "r1"), ("demote", "p1", "--to", "r1"), ("diagnose", "p1")):
            asked = json.loads(self.asked(*words, "--reason", "test", *desk, check=False))
        done = json.loads(self.asked("confirm", asked["challenge"], "--phrase", "diagnose p1", *desk))
        self.asked("outcome", "p1", done["request_id"], *desk)
        self.cluster.kill("r2")
        self.asked("inspect", "cluster", *desk)
        for form in ("json", "jsonl"):
            self.asked("audit", *desk, form=form)
            self.asked("timeline", *desk, form=form)
        self.asked("audit", "verify", *desk)
        self.cluster.aerodb("reconstruct", "--from", "1", "--to", "4", "--format", "json", "--output", "report.json", *desk)
        self.seen.add(console_json.check(["reconstruct", "-o", "json"], (self.cluster.dir / "report.json").read_text()))

    def offline(self):
        for name in ("p1", "r1"):
            self.cluster.stop(name)
        instance = json.loads(self.asked("init", "--data-dir", "fresh", "--role", "replica", "--name", "r9", "--cluster-id", self.cluster.cluster_id))["instance"]
        self.asked("verify", "p1", form=None)
        self.asked("verify", "b.tar", form=None)
        self.asked("wal", "dump", "--data-dir", "p1", form=None)
        self.asked("wal", "verify", "--data-dir", "p1", form=None)
        run = next((self.cluster.dir / "p1" / "runs").glob("*.run"))
        self.asked("run", "dump", run, form=None)
        self.asked("run", "verify", run, form=None)
        self.asked("wal", "resize", "--data-dir", "r1", "--segments", "8", "--segment-bytes", 16 << 20)
        self.asked("seal", "--data-dir", "p1", "--to", "r9", "--instance", instance, "--reason", "test")
        self.asked("restore", "--input", "b.tar", "--data-dir", "restored", "--name", "p9")


if __name__ == "__main__":
    unittest.main()
