"""kill -9 of control plane, console and node at every stage of a command: the audit log shows the last stage that was reached, the
node did all of it or nothing, and nobody does it again."""
import json
import os
import pathlib
import pty
import shutil
import signal
import subprocess
import unittest

from crash_victim import CHECK_BIN
from desk import COMMAND, DeskTest, with_environment
from harness import Cluster, wait_until
from rpc import ConnectionLost

# Of the write of one audit record -> whether a kill there leaves that record in the log.
MOMENTS = {"audit.write.before": False, "audit.write.half": False, "audit.write.after": True, "audit.sync.before": True,
           "audit.sync.after": True}


class CheckedCluster(Cluster):
    """Of the build that has crash points."""

    bin = CHECK_BIN


class CommandKillTest(DeskTest):
    replicas = 1
    shipper = False

    def make_cluster(self):
        return CheckedCluster(replicas=self.replicas)

    def setUp(self):
        super().setUp()
        self.first_lsn = self.cluster.status("p1")["durable_lsn"]

    def fresh(self):
        """Another cluster in place of this one."""
        self.cluster.close()
        self.setUp()

    def command(self):
        """A demotion, as far as it gets; answers (explanation, confirmation), None for what was not answered."""
        asked = done = None
        try:
            asked = self.explain()
            done = self.confirm(asked["challenge"], "demote p1")
        except (ConnectionLost, OSError):
            pass
        return asked, done

    def expect_state(self, sealed, request_id):
        """The node's log, its role and what it says of the request agree."""
        status = self.cluster.status("p1")
        self.assertEqual(status["role"], "sealed" if sealed else "primary")
        self.assertEqual(status["seal_lsn"] is not None, sealed)
        if request_id:
            self.assertEqual(self.outcome("p1", request_id), "recorded" if sealed else "no_effect_recorded")
        self.assertEqual(status["durable_lsn"], self.first_lsn + int(sealed))  # one record, however often it was asked for

    # --- the control plane

    def kill_desk_at(self, number, moment):
        """One command with a desk that ends while it writes record `number` of its process."""
        self.kill_desk()
        shutil.rmtree(self.cluster.dir / "audit")
        with with_environment(self.cluster, {"AERODB_CRASH_POINT": f"{moment}@{number}"}):
            self.start_desk()
        asked, done = self.command()
        self.assertIsNone(done)
        self.assertEqual(self.cluster.processes["c1"].wait(), -signal.SIGKILL)
        (self.cluster.dir / "c1.sock").unlink()
        self.cluster.processes.pop("c1")
        self.start_desk()
        written = number if MOMENTS[moment] else number - 1
        self.assertEqual([s for s in self.stages() if s != "torn_tail"], COMMAND[:written])
        self.assertTrue(self.desk().call("audit.verify")["whole"])
        if asked:
            self.refused("CONFIRMATION_USED", self.confirm, asked["challenge"], "demote p1")
        return asked["request_id"] if asked else None

    def test_a_desk_killed_before_it_sends_leaves_the_node_as_it_was(self):
        for number in range(1, 5):
            for moment in MOMENTS:
                with self.subTest(stage=COMMAND[number - 1], moment=moment):
                    self.expect_state(False, self.kill_desk_at(number, moment))

    def test_a_desk_killed_before_it_writes_the_answer_leaves_dispatched_and_the_node_has_done_it_once(self):
        for moment in MOMENTS:
            with self.subTest(moment=moment):
                self.expect_state(True, self.kill_desk_at(5, moment))
                self.fresh()

    # --- the node

    def start_p1(self, environment):
        self.cluster.kill("p1")
        with with_environment(self.cluster, environment):
            self.cluster.start("p1")

    def test_a_node_killed_anywhere_in_a_demotion_has_done_all_of_it_or_nothing(self):
        log = self.cluster.dir / "points"
        self.start_p1({"AERODB_CRASH_POINTS_LOG": log})
        asked = self.explain()
        before = log.read_text().splitlines()
        self.assertEqual(self.confirm(asked["challenge"], "demote p1")["outcome"], "answered")
        points = log.read_text().splitlines()[len(before):]
        self.assertTrue(any("segment" in point for point in points), points)
        killed = {False: 0, True: 0}
        for point in points:
            with self.subTest(point=point):
                self.fresh()
                sealed = self.kill_node_at(point)
                if sealed is not None:
                    killed[sealed] += 1
        self.assertGreater(min(killed.values()), 0, killed)

    def kill_node_at(self, point):
        """True: it was sealed when it was started again. None: it was not killed before it had answered."""
        self.start_p1({"AERODB_CRASH_POINT": point})
        asked, done = self.command()
        # A process that was killed loses its connections a moment before it is seen to have ended.
        self.assertIn(done["outcome"], ("unknown", "answered"))
        if done["outcome"] == "answered" and self.cluster.processes["p1"].running():
            return None
        self.assertEqual(self.stages(), [*COMMAND[:4], done["outcome"]])
        self.cluster.processes.pop("p1").wait()
        self.cluster.start("p1")
        sealed = self.cluster.status("p1")["role"] == "sealed"
        self.expect_state(sealed, asked["request_id"])
        self.assertTrue(sealed or done["outcome"] == "unknown")
        self.refused("CONFIRMATION_USED", self.confirm, asked["challenge"], "demote p1")
        return sealed

    def test_a_node_killed_before_the_confirmation_was_sent_nothing(self):
        asked = self.explain()
        self.cluster.kill("p1")
        self.refused("UNREACHABLE", self.confirm, asked["challenge"], "demote p1")
        self.assertEqual(self.stages(), ["requested", "explained", "refused"])
        self.cluster.start("p1")
        self.expect_state(False, asked["request_id"])
        self.refused("CONFIRMATION_USED", self.confirm, asked["challenge"], "demote p1")

    def test_a_node_killed_before_the_explanation_is_asked_for_nothing(self):
        self.cluster.kill("p1")
        self.refused("UNREACHABLE", self.explain)
        self.assertEqual(self.stages(), ["requested", "refused"])
        self.cluster.start("p1")
        self.expect_state(False, None)

    def test_a_node_killed_after_its_answer_has_done_it(self):
        asked, done = self.command()
        self.cluster.kill("p1")
        self.cluster.start("p1")
        self.expect_state(True, asked["request_id"])
        self.assertEqual(self.cluster.status("p1")["seal_lsn"], done["answer"]["seal_lsn"])
        self.assertEqual(self.stages(), COMMAND)

    # --- the console

    def console(self):
        """`aerodb demote` on a terminal of its own, which asks for the phrase."""
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        process = subprocess.Popen([CHECK_BIN / "aerodb", "demote", "p1", "--to", "r1", "--reason", "test", "--control-plane", "unix:c1.sock"],
                                   cwd=self.cluster.dir, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
        os.close(theirs)
        seen = b""
        while b"To confirm" not in seen:
            seen += os.read(ours, 4096)
        return process, ours

    def test_a_console_killed_at_its_prompt_carries_nothing_out(self):
        process, _ = self.console()
        process.kill()
        process.wait()
        self.assertEqual(self.stages(), ["requested", "explained"])
        self.expect_state(False, self.audit()[0]["request_id"])

    def test_a_console_killed_after_the_phrase_changes_nothing_of_what_follows(self):
        process, terminal = self.console()
        self.cluster.processes["p1"].popen.send_signal(signal.SIGSTOP)
        connections = pathlib.Path(f"/proc/{self.cluster.processes['c1'].popen.pid}/fd")
        before = len(os.listdir(connections))
        os.write(terminal, b"demote p1\n")
        wait_until(lambda: len(os.listdir(connections)) > before, "the desk asks p1")
        process.kill()
        process.wait()
        self.cluster.processes["p1"].popen.send_signal(signal.SIGCONT)
        wait_until(lambda: self.stages()[-1] == "answered", "the outcome is audited")
        self.assertEqual(self.stages(), COMMAND)
        self.assertTrue(self.audit()[-1]["interactive"])
        self.expect_state(True, self.audit()[0]["request_id"])

    def test_a_console_killed_between_its_two_calls_leaves_a_challenge_that_can_be_used_once(self):
        done = self.cluster.aerodb("demote", "p1", "--to", "r1", "--reason", "test", "--control-plane", "unix:c1.sock", "-o", "json", check=False)
        self.assertEqual(done.returncode, 82)
        self.assertEqual(self.stages(), ["requested", "explained"])
        asked = json.loads(done.stdout)
        self.expect_state(False, asked["request_id"])
        again = ["confirm", asked["challenge"], "--phrase", "demote p1", "--control-plane", "unix:c1.sock"]
        self.cluster.aerodb(*again)
        self.assertNotEqual(self.cluster.aerodb(*again, check=False).returncode, 0)
        self.assertEqual(self.stages(), [*COMMAND, "refused"])
        self.expect_state(True, asked["request_id"])


if __name__ == "__main__":
    unittest.main()
