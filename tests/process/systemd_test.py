"""Under a service manager: what each role tells it, and what the units hold. No manager runs here: its socket is ours."""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from harness import READY_SECONDS, ROOT, Cluster, is_built, request, wait_until

UNITS = ROOT / "configs/systemd"
WORST_EXPOSURE = 15  # tenths, as systemd-analyze counts


class Manager:
    """A service manager's end of the notify socket."""

    def __init__(self, path):
        self.address = str(path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.address)
        self.socket.setblocking(False)
        self.lines = []

    def told(self):
        """Every line so far, in order."""
        while True:
            try:
                self.lines += self.socket.recv(65536).decode().splitlines()
            except BlockingIOError:
                return self.lines

    def statuses(self):
        return [line.removeprefix("STATUS=") for line in self.told() if line.startswith("STATUS=")]

    def wait(self, line):
        wait_until(lambda: line in self.told(), line)

    def close(self):
        self.socket.close()


class SupervisedCluster(Cluster):
    """One whose next process is told of a manager."""

    manager = None

    def wrapped(self, name, argv):
        return ["env", f"NOTIFY_SOCKET={self.manager.address}", *argv] if self.manager else argv


class NotifyTest(unittest.TestCase):
    def setUp(self):
        self.cluster = SupervisedCluster(replicas=1)
        self.addCleanup(self.cluster.close)

    def manage(self, name):
        self.cluster.manager = Manager(self.cluster.dir / f"{name}.notify")
        self.addCleanup(self.cluster.manager.close)
        return self.cluster.manager

    def check_life(self, name, serving, start):
        """READY once, behind the start and with the status of one that serves; at the end STOPPING."""
        manager = self.manage(name)
        start()
        manager.wait("READY=1")
        ready = manager.told().index("READY=1")
        self.assertEqual(manager.told()[ready + 1], f"STATUS={serving}")
        self.assertEqual(self.cluster.stop(name), 0)
        lines = manager.told()
        self.assertEqual(lines.count("READY=1"), 1)
        self.assertEqual(lines[-2:], ["STOPPING=1", "STATUS=stopping: SIGTERM"])
        return lines[:ready]

    def test_each_role_tells_when_it_serves_and_when_it_stops(self):
        start = self.cluster.start
        before = self.check_life("p1", "p1 READY, role primary", lambda: start("p1"))
        self.assertEqual(before[0], "STATUS=p1 INITIALIZING, 0 bytes read and written")
        self.check_life("r1", "r1 READY, role replica", lambda: start("r1"))
        for name, binary, config in (("s1", "aerodb-shipper", "s1-from-p1.toml"), ("c1", "aerodb-controlplane", self.cluster.write_controlplane()),
                                     ("e1", "aerodb-explainer", self.cluster.write_explainer())):
            if not is_built(binary):
                continue
            before = self.check_life(name, "serving", lambda: self.cluster.start_role(name, binary, config))
            self.assertEqual(before, ["STATUS=starting"])

    def test_ready_is_not_said_before_it_answers(self):
        manager = self.manage("p1")
        self.cluster.start("p1", ready=False)
        manager.wait("READY=1")
        self.assertEqual(self.cluster.status("p1")["state"], "READY")

    def test_a_start_that_fails_says_why(self):
        self.cluster.start("p1")
        manager = self.manage("second")
        self.cluster.write_node("p1", file="second.toml")
        second = self.cluster.start_role("second", "aerodb-primary", "second.toml")
        self.assertEqual(second.wait(), 85)
        self.assertNotIn("READY=1", manager.told())
        self.assertRegex(manager.statuses()[-1], r"^failed, exit code 85: LOCKED: lock p1: another process holds p1/LOCK$")

    def test_the_role_told_is_the_one_that_the_log_gives(self):
        self.cluster.start("r1")
        instance = self.cluster.status("r1")["instance"]
        manager = self.manage("p1")
        self.cluster.start("p1")
        with self.cluster.control("p1") as control:
            control.call("control.demote", request=request(1), successor="r1", successor_instance=instance)
        manager.wait("STATUS=p1 READY, role sealed")

    def test_a_long_recovery_tells_how_far_it_is(self):
        self.cluster.start("p1")
        with self.cluster.client("p1") as client:
            client.call("schema.register", schema={"collection": "blobs", "version": 1, "fields": [
                {"name": "_id", "type": "string", "required": True}, {"name": "text", "type": "string"}]})
            for number in range(40):
                client.call("doc.insert", collection="blobs", schema_version=1, document={"_id": str(number), "text": "x" * 1_000_000})
        self.cluster.kill("p1")
        manager = self.manage("p1")
        process = self.cluster.start("p1", ready=False)
        # In short steps with pauses longer than the time between two looks, so that each step begins with a look.
        while "READY=1" not in manager.told():
            self.assertTrue(process.running(), self.cluster.log("p1"))
            process.popen.send_signal(signal.SIGSTOP)
            time.sleep(0.3)
            process.popen.send_signal(signal.SIGCONT)
            time.sleep(0.005)
        told = [s for s in manager.statuses() if s.startswith("p1 RECOVERING")]
        self.assertGreater(len(told), 0, manager.statuses())
        told = [re.fullmatch(r"p1 RECOVERING(?:, LSN (\d+) replayed)?, (\d+) bytes read and written", status) for status in told]
        positions = [(int(status[2]), int(status[1] or 0)) for status in told]
        self.assertEqual(positions, sorted(positions))
        self.assertGreater(positions[-1][0], 0)
        self.assertGreater(positions[-1][1], 0)
        self.assertIn("EXTEND_TIMEOUT_USEC=60000000", manager.told())

    def test_a_manager_that_can_not_be_told_changes_nothing(self):
        manager = self.manage("p1")
        manager.address = "vsock:2:1234"
        self.cluster.start("p1")
        self.assertIn("supervisor_not_told", (self.cluster.dir / "p1.log").read_text())
        self.assertEqual(self.cluster.stop("p1"), 0)


class UnitTest(unittest.TestCase):
    """Checked in a tree of its own that looks like an installed one; nothing of this machine's is read or changed."""

    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="aerodb-units-"))
        self.addCleanup(shutil.rmtree, self.root)
        self.units = sorted(UNITS.glob("*.service"))

    def run_tool(self, *argv):
        done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=READY_SECONDS)
        self.assertEqual(done.returncode, 0, f"{argv}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def test_there_is_one_for_each_role(self):
        roles = ["controlplane", "explainer", "primary", "replica", "shipper"]
        self.assertEqual([unit.name for unit in self.units], [f"aerodb-{role}@.service" for role in roles])

    def test_exposure_is_low_enough(self):
        for unit in self.units:
            with self.subTest(unit=unit.name):
                self.run_tool("systemd-analyze", "security", "--offline=true", f"--threshold={WORST_EXPOSURE}", unit)

    def test_the_threshold_is_one_that_can_be_missed(self):
        loose = self.root / "loose@.service"
        loose.write_text("[Service]\nExecStart=/bin/true\n")
        done = subprocess.run(["systemd-analyze", "security", "--offline=true", f"--threshold={WORST_EXPOSURE}", str(loose)],
                              capture_output=True, timeout=READY_SECONDS)
        self.assertNotEqual(done.returncode, 0)

    def test_systemd_understands_every_line(self):
        folder = self.root / "units"
        shutil.copytree(UNITS, folder)
        for unit in sorted(folder.glob("*.service")):
            unit.write_text(unit.read_text().replace("=/usr/bin/aerodb-", "=/bin/true aerodb-"))  # there, installed or not
            with self.subTest(unit=unit.name):
                self.assertEqual(self.run_tool("systemd-analyze", "verify", "--man=no", unit), "")

    def test_nothing_starts_by_itself(self):
        for unit in self.units:
            with self.subTest(unit=unit.name):
                lines = unit.read_text().splitlines()
                self.assertIn("Restart=no", lines)
                self.assertTrue(lines[lines.index("Restart=no") - 1].startswith("# "), "the reason is in the unit")
                keys = {line.split("=")[0] for line in lines}
                self.assertFalse(keys & {"[Install]", "Requires", "Wants", "Upholds", "OnFailure", "Conflicts", "BindsTo"}, "it acts on others")

    def test_a_refused_service_takes_nothing_from_the_one_that_runs(self):
        # Two units can name one node; the second ends with LOCKED, and systemd then tidies up after it.
        lines = (UNITS / "aerodb-@.service.d/common.conf").read_text().splitlines()
        self.assertIn("RuntimeDirectory=aerodb/%i", lines)
        self.assertIn("RuntimeDirectoryPreserve=yes", lines)

    def test_the_account_and_the_directories_can_be_made(self):
        (self.root / "etc").mkdir()
        self.run_tool("systemd-sysusers", f"--root={self.root}", UNITS / "aerodb.sysusers.conf")
        account = next(line for line in (self.root / "etc/passwd").read_text().splitlines() if line.startswith("aerodb:"))
        self.assertTrue(account.endswith(":/var/lib/aerodb:/usr/sbin/nologin"), account)
        uid, gid = map(int, account.split(":")[2:4])
        rows = [line.split() for line in (UNITS / "aerodb.tmpfiles.conf").read_text().splitlines() if not line.startswith("#")]
        self.assertEqual([row[1] for row in rows], ["/etc/aerodb", "/var/lib/aerodb", "/run/aerodb"])
        if os.geteuid() == 0:  # only root gives a directory away
            self.run_tool("systemd-tmpfiles", "--create", f"--root={self.root}", UNITS / "aerodb.tmpfiles.conf")
            for _, path, mode, user, group, *_ in rows:
                found = (self.root / path[1:]).stat()
                self.assertEqual((oct(found.st_mode & 0o7777), found.st_uid, found.st_gid),
                                 (oct(int(mode, 8)), uid if user == "aerodb" else 0, gid if group == "aerodb" else 0), path)


if __name__ == "__main__":
    unittest.main()
