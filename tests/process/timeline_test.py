"""The order of what happened, and reports of it: nothing of the audit log and of the nodes' events is missing in them."""
import html
import json
import os
import re
import unittest

from harness import ClusterTest, lines, request, wait_until
from rpc import Client


class TimelineTest(ClusterTest):
    def setUp(self):
        super().setUp()
        self.cluster.write_controlplane()
        self.cluster.start_role("c1", "aerodb-controlplane", "c1.toml")
        wait_until(lambda: (self.cluster.dir / "c1.sock").exists(), "the control plane's socket")

    def aerodb(self, *arguments, check=True):
        return self.cluster.aerodb(*arguments, "--control-plane", f"127.0.0.1:{self.cluster.inspect_port}", check=check)

    def command(self, command, node, successor=None, decline=None):
        with Client("unix:" + os.path.relpath(self.cluster.dir / "c1.sock")) as desk:
            asked = desk.call("command.explain", command=command, node=node, successor=successor, decline=decline, reason="a <drill> & more")
            return desk.call("command.confirm", challenge=asked["challenge"], phrase=f"{command} {node}", interactive=False)

    def wait_noted(self, node, *words):
        """Until an event with all of these words is shown: an answer may come before its event is on disk."""
        wait_until(lambda: any(all(w in json.dumps(e) for w in words) for e in self.events(node)), f"{node} shows {words}")

    def switchover(self):
        done = self.command("demote", "p1", "r1")
        self.cluster.wait_applied("r1", done["answer"]["seal_lsn"])
        self.assertEqual(self.command("promote", "r1")["outcome"], "answered")
        self.wait_noted("p1", "sealed")
        self.wait_noted("r1", "promotion_step", "state=STEADY")

    def events(self, node):
        return lines(self.cluster.aerodb("events", "--node", f"127.0.0.1:{self.cluster.ports[node][0]}", "-o", "jsonl"))

    def audit(self):
        return lines(self.aerodb("audit", "-o", "jsonl"))

    def reconstruct(self, form, *ends):
        self.aerodb("reconstruct", *ends, "--format", form, "--output", f"report.{form}")
        return (self.cluster.dir / f"report.{form}").read_text()

    def test_a_report_of_a_switchover_holds_every_record_and_every_event(self):
        self.switchover()
        ends = ("--from", "1", "--to", "10")
        report = json.loads(self.reconstruct("json", *ends))
        audit = self.audit()
        self.assertEqual(len(audit), 10)
        shown = {e["entry"]: e["verbatim"] for e in report["entries"]}
        self.assertEqual(len(shown), len(report["entries"]))
        self.assertEqual({k: v for k, v in shown.items() if ":" not in k}, {str(r["number"]): r["line"] for r in audit})
        words = [r["line"] for r in audit]
        for node in self.cluster.names:
            # Nothing after the last command is proven to be outside, so the range holds all that each node noted.
            events = {f"{node}:{e['number']}": e for e in self.events(node)}
            told = {k: json.loads(v) for k, v in shown.items() if k.startswith(node + ":")}
            late = events.keys() - told.keys()
            seen = next(n for n in report["nodes"] if n["node"] == node)["last_event"]
            self.assertTrue(all(int(k.split(":")[1]) > seen for k in late), late)
            self.assertEqual(told, {k: e for k, e in events.items() if k not in late})
            words += [v for k, v in shown.items() if k.startswith(node + ":")]
        self.assertEqual(report["audit_records"] + report["events"], len(words))
        text = self.reconstruct("text", *ends)
        page = html.unescape(self.reconstruct("html", *ends))
        for word in words:
            self.assertIn(word, text)
            self.assertIn(word, page)

    def test_the_order_of_a_switchover_is_proven_across_nodes(self):
        self.switchover()
        report = json.loads(self.aerodb("timeline", "-o", "json").stdout)
        self.assertEqual(report["contradictions"], [])
        places = {e["entry"]: e for e in report["entries"]}
        sealed, = (e for e in report["entries"] if e["what"] == "sealed")
        promoted, = (e for e in report["entries"] if e["what"] == "promoted")
        self.assertIn({"node": None, "number": 4}, sealed["proven_before"])
        self.assertIn({"node": "p1", "number": sealed["number"]}, promoted["proven_before"])
        self.assertIn({"node": "r1", "number": promoted["number"] + 1}, places["10"]["proven_before"])
        self.assertIn({"before": sealed["entry"], "after": promoted["entry"], "proof": "seal"}, report["proofs"])
        r2 = [e for e in report["entries"] if e["node"] == "r2"]
        self.assertTrue(r2)
        self.assertTrue(all(p["node"] == "r2" for e in r2 for p in e["proven_before"]))

    def test_what_is_proven_agrees_with_the_one_clock_of_this_machine(self):
        first = self.command("demote", "p1", "r1")
        self.cluster.wait_applied("r1", first["answer"]["seal_lsn"])
        statement = self.command("decline", "r1")["answer"]["statement"]
        second = self.command("demote", "p1", "r2", statement)
        self.cluster.wait_applied("r2", second["answer"]["seal_lsn"])
        self.assertEqual(self.command("promote", "r2")["outcome"], "answered")
        self.wait_noted("p1", "sealed", "successor=r2")
        self.wait_noted("r1", "declined")
        self.wait_noted("r2", "promotion_step", "state=STEADY")
        report = json.loads(self.aerodb("timeline", "-o", "json").stdout)
        self.assertEqual(report["contradictions"], [])
        clock = {(e["node"], e["number"]): e["wall_us"] for e in report["entries"]}
        self.assertEqual(len(clock), report["audit_records"] + report["events"])
        for entry in report["entries"]:
            for before in entry["proven_before"]:
                self.assertLessEqual(clock[before["node"], before["number"]], entry["wall_us"], entry)
        what = {e["entry"]: e["what"] for e in report["entries"]}
        seals = [(what[p["before"]], what[p["after"]]) for p in report["proofs"] if p["proof"] == "seal"]
        self.assertEqual(sorted(seals), [("sealed", "declined"), ("sealed", "promoted"), ("sealed", "promoted")])

    def test_a_report_says_who_asked_and_what_the_kernel_answered(self):
        self.command("promote", "r2")
        report = json.loads(self.reconstruct("json", "--from", "1", "--to", "5"))
        command, = report["commands"]
        self.assertEqual((command["command"], command["node"], command["reason"]), ("promote", "r2", "a <drill> & more"))
        self.assertEqual((command["outcome"], command["error_code"]), ("rejected", "PROMOTION_UNDETERMINED"))
        self.assertTrue(command["rules"])
        page = self.reconstruct("html", "--from", "1", "--to", "5")
        self.assertNotIn("<drill>", page)
        self.assertEqual(re.findall(r"https?:|src=|<script|url\(", page), [])

    def test_a_node_with_more_events_than_a_page_is_read_whole(self):
        with self.cluster.control("r2") as control:
            for number in range(270):
                self.refused("PROMOTION_UNDETERMINED", control.call, "control.promote", request=request(number))
        self.wait_noted("r2", f"request_id={request(269)['request_id']}", "state=STEADY")
        shown = {f"r2:{e['number']}": e for e in self.events("r2")}
        report = json.loads(self.aerodb("timeline", "--node", "r2", "-o", "json").stdout)
        self.assertEqual({e["entry"]: json.loads(e["verbatim"]) for e in report["entries"]}, shown)
        self.assertGreater(report["nodes"][0]["first_event"], 1)
        self.assertIn("older ones no longer", self.reconstruct("text", "--from", "r2:500", "--to", "r2:505", "--node", "r2"))
        few = json.loads(self.reconstruct("json", "--from", "r2:500", "--to", "r2:505", "--node", "r2"))
        self.assertEqual([e["number"] for e in few["entries"]], list(range(500, 506)))

    def test_an_unreached_node_is_shown_as_unreached(self):
        self.switchover()
        self.cluster.kill("r1")
        report = json.loads(self.aerodb("timeline", "-o", "json").stdout)
        self.assertEqual([(n["node"], n["reached"]) for n in report["nodes"]], [("p1", True), ("r1", False), ("r2", True)])
        self.assertEqual(report["nodes"][1]["why"], "UNREACHABLE")
        self.assertIn("r1 (", self.aerodb("timeline").stdout)
        self.assertIn("unreached, UNREACHABLE", self.reconstruct("text", "--from", "1", "--to", "10"))

    def test_ends_that_are_none_and_nodes_that_are_not_listed_are_refused(self):
        for arguments in (("timeline", "--from", "p1:"), ("timeline", "--to", "77"), ("reconstruct", "--from", "1", "--output", "x")):
            self.assertEqual(self.aerodb(*arguments, check=False).returncode, 64, arguments)
        self.assertIn("UNKNOWN_NODE", self.aerodb("timeline", "--node", "p9", check=False).stderr)
        one = json.loads(self.aerodb("timeline", "--node", "r2", "-o", "json").stdout)
        self.assertEqual([n["node"] for n in one["nodes"]], ["r2"])


if __name__ == "__main__":
    unittest.main()
