"""The operator's desk over real nodes: explanation, confirmation, one operation, audit."""
import hashlib
import json
import shutil
import threading
import unittest

from desk import COMMAND, DeskTest, wrapped_in
from harness import wait_until
from rpc import ConnectionLost, RpcError


def still(answer):
    """An answer without what moves while nobody writes: a shipper's empty batches."""
    return {key: value for key, value in answer.items() if key != "source_heard_us_ago" and not key.startswith("batches_")}


class ControlPlaneTest(DeskTest):
    def test_a_switchover_is_explained_confirmed_carried_out_and_audited(self):
        self.assertTrue(self.explain()["explanation"]["conclusion"]["status"].startswith("would be accepted"))
        done = self.switch_over()
        self.assertEqual(self.stages(), ["requested", "explained", *COMMAND * 2])
        verified = self.desk().call("audit.verify")
        self.assertTrue(verified["whole"])
        self.assertEqual(verified["records"], 12)
        self.assertEqual(self.outcome("r1", done["request_id"]), "recorded")

    def test_a_desk_that_lost_all_but_its_audit_log_switches_over(self):
        self.confirm(self.explain("promote", "r2", None)["challenge"], "promote r2")
        self.cluster.kill("c1")
        kept = (self.cluster.dir / "audit" / "audit.jsonl").read_bytes()
        shutil.rmtree(self.cluster.dir / "audit")
        (self.cluster.dir / "c1.sock").unlink()
        (self.cluster.dir / "audit").mkdir()
        (self.cluster.dir / "audit" / "audit.jsonl").write_bytes(kept)
        self.start_desk()
        self.switch_over()
        self.assertEqual(self.stages(), COMMAND * 3)

    def test_a_desk_without_even_its_audit_log_switches_over(self):
        self.kill_desk()
        shutil.rmtree(self.cluster.dir / "audit", ignore_errors=True)
        self.start_desk()
        self.switch_over()
        self.assertEqual(self.stages(), COMMAND * 2)

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
        self.kill_desk()
        self.start_desk()
        self.refused("CONFIRMATION_USED", self.confirm, asked["challenge"], "demote p1")

    def test_a_second_command_from_another_console_ends_a_confirmation(self):
        asked = self.explain()
        done = self.cluster.aerodb("promote", "r2", "--reason", "test", "--control-plane", "unix:c1.sock", check=False)
        self.assertEqual(done.returncode, 82)
        self.refused("CONFIRMATION_USED", self.confirm, asked["challenge"], "demote p1")
        self.assertEqual(self.cluster.status("p1")["role"], "primary")

    def test_a_confirmation_is_usable_under_full_write_load(self):
        end, codes = threading.Event(), []

        def write(first):
            with self.cluster.client("p1") as client:
                for number in range(first, first + 10_000_000):
                    try:
                        self.insert(client, number)
                    except (RpcError, ConnectionLost) as error:
                        codes.append(getattr(error, "code", "lost"))
                        return
                    if end.is_set():
                        return
        writers = [threading.Thread(target=write, args=(n * 10_000_000,)) for n in range(4)]
        for writer in writers:
            writer.start()
        try:
            asked = self.explain()
            shown_at = self.cluster.status("p1")["durable_lsn"]
            wait_until(lambda: self.cluster.status("p1")["durable_lsn"] > shown_at + 20, "writes after the explanation")
            done = self.confirm(asked["challenge"], "demote p1")
        finally:
            end.set()
            for writer in writers:
                writer.join()
        self.assertEqual(done["outcome"], "answered", done)
        self.assertGreater(done["answer"]["seal_lsn"], shown_at)
        self.assertLessEqual(set(codes), {"SEALED"})

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

    def test_a_view_is_each_nodes_own_answer_and_unreached_is_unreached(self):
        self.cluster.kill("r2")
        for what in ("replication", "promotion", "authority", "wal", "snapshots", "checkpoints"):
            viewed = self.desk().call("inspect.view", what=what, node=None)
            self.assertEqual([n["node"] for n in viewed["nodes"]], ["p1", "r1", "r2"], what)
            for seen in viewed["nodes"][:2]:
                with self.cluster.client(seen["node"]) as client:
                    own = client.call(viewed["method"], **({"epoch": None} if what == "promotion" else {}))
                self.assertEqual(still(seen["answer"]), still(own), what)
                status = self.cluster.status(seen["node"])
                for stamp in ("epoch", "durable_lsn", "commit_id"):
                    self.assertEqual(seen[stamp], status[stamp])
            self.assertEqual((viewed["nodes"][2]["reached"], viewed["nodes"][2]["why"]), (False, "UNREACHABLE"))
            self.assertIsNone(viewed["nodes"][2]["answer"])

    def test_the_console_shows_every_view(self):
        for words in (["replication"], ["promotion", "p1"], ["authority", "p1"], ["wal", "p1"], ["snapshots", "p1"], ["checkpoints", "p1"]):
            done = self.cluster.aerodb("inspect", *words, "--control-plane", "unix:c1.sock")
            self.assertRegex(done.stdout, r"p1 127\.0\.0\.1:\d+  reached  epoch 1  durable \d+  commit \d+\n")
            seen = json.loads(self.cluster.aerodb("inspect", *words, "--control-plane", "unix:c1.sock", "-o", "json").stdout)
            self.assertEqual(seen["nodes"][0]["node"], "p1")

    def test_audit_verify_names_what_was_edited_deleted_reordered_or_cut(self):
        self.confirm(self.explain()["challenge"], "demote p1")
        path = self.cluster.dir / "audit" / "audit.jsonl"
        whole = path.read_text().splitlines(keepends=True)
        self.assertEqual([json.loads(line)["stage"] for line in whole], COMMAND)
        edited = [*whole]
        edited[2] = edited[2].replace('"reason":"test"', '"reason":"tent"')
        changes = {"edited": (edited, 3), "deleted": (whole[:1] + whole[2:], 2), "reordered": ([*whole[:2], whole[3], whole[2], whole[4]], 3),
                   "cut": (whole[:4], 5), "doubled": ([*whole[:2], *whole[1:]], 3)}
        for change, (lines, place) in changes.items():
            with self.subTest(change=change):
                path.write_text("".join(lines))
                done = self.cluster.aerodb("audit", "verify", "--control-plane", "unix:c1.sock", "-o", "json", check=False)
                verified = json.loads(done.stdout)
                self.assertEqual((verified["whole"], verified["first_broken"]), (False, place))
                self.assertNotEqual(done.returncode, 0)
                self.refused("AUDIT_BROKEN", self.explain, "promote", "r1", None)
                path.write_text("".join(whole))
                self.kill_desk()
                self.start_desk()
                self.assertTrue(self.desk().call("audit.verify")["whole"])

    def test_a_head_kept_by_a_node_shows_a_cut_audit_log_to_anyone(self):
        self.confirm(self.explain()["challenge"], "demote p1")
        path = self.cluster.dir / "audit" / "audit.jsonl"
        dispatched = path.read_text().splitlines()[3]
        head = hashlib.sha256(dispatched.encode()).hexdigest()
        cut = self.cluster.write("cut.jsonl", "".join(path.read_text().splitlines(keepends=True)[:3]))
        self.cluster.aerodb("audit", "verify", "--file", path, "--head", head)
        self.cluster.aerodb("audit", "verify", "--file", cut)
        self.assertNotEqual(self.cluster.aerodb("audit", "verify", "--file", cut, "--head", head, check=False).returncode, 0)
        self.assertIn(bytes.fromhex(head), (self.cluster.dir / "p1" / "wal" / "0000.seg").read_bytes())

    def test_a_disk_without_room_for_the_audit_record_refuses_the_dispatch(self):
        path = self.cluster.dir / "audit" / "audit.jsonl"
        self.explain()
        size = path.stat().st_size
        self.kill_desk()
        with wrapped_in(self.cluster, ["env", "--ignore-signal=XFSZ", "prlimit", f"--fsize={2 * size + 200}"]):
            self.start_desk()
        asked = self.explain()
        self.refused("AUDIT_UNAVAILABLE", self.confirm, asked["challenge"], "demote p1")
        self.refused("AUDIT_UNAVAILABLE", self.explain)
        self.assertEqual(self.cluster.status("p1")["role"], "primary")
        self.assertEqual(self.outcome("p1", asked["request_id"]), "no_effect_recorded")
        self.kill_desk()
        self.start_desk()
        self.switch_over()


if __name__ == "__main__":
    unittest.main()
