"""The installed package under a systemd of its own; run by tests/systemd/run, as root of that machine."""
import json
import os
import pathlib
import pty
import subprocess
import time
import unittest

PACKAGE = "/run/services-test/aerodb.deb"
EXAMPLES = pathlib.Path("/usr/share/doc/aerodb/examples")
CONFIGS = pathlib.Path("/etc/aerodb")
NODES = {"p1": "aerodb-primary@p1", "r1": "aerodb-replica@r1", "r2": "aerodb-replica@r2"}
OTHERS = ["aerodb-shipper@s1-from-p1", "aerodb-controlplane@c1", "aerodb-explainer@e1"]


def run(*argv, check=True, **options):
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{argv}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def aerodb(*arguments, **options):
    return run("aerodb", *arguments, env={**os.environ, "AERODB_CONFIG": str(CONFIGS)}, **options).stdout


def confirmed(verb, node, *arguments):
    """A command that asks for its phrase at a terminal."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe("aerodb", ["aerodb", verb, node, *arguments], {**os.environ, "AERODB_CONFIG": str(CONFIGS)})
    said, typed = b"", False
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # so ends a terminal whose process ended
            break
        said += piece
        if b"To confirm" in said and not typed:
            os.write(terminal, f"{verb} {node}\n".encode())
            typed = True
    if os.waitpid(pid, 0)[1] != 0:
        raise AssertionError(said.decode(errors="replace"))


def properties(unit):
    shown = run("systemctl", "show", "-p", "ActiveState,Result,StatusText,ExecMainStatus,NRestarts,MainPID", unit).stdout
    return dict(line.split("=", 1) for line in shown.splitlines())


def wait_status(unit, status):
    end = time.monotonic() + 60  # only bounds a hang
    while properties(unit)["StatusText"] != status:
        if time.monotonic() > end:
            raise AssertionError(f"{unit}: {properties(unit)}")
        time.sleep(0.05)


class ServicesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        run("ip", "link", "set", "lo", "up")
        run("systemctl", "start", "systemd-journald.socket", "systemd-journald.service")
        cls.installed = run("dpkg", "--install", PACKAGE).stdout
        cls.running_after_installation = run("systemctl", "list-units", "--all", "--plain", "--no-legend", "aerodb-*").stdout
        for example in EXAMPLES.glob("*.toml"):
            (CONFIGS / example.name).write_bytes(example.read_bytes())

    def setUp(self):
        """A cluster without data, no service of it started."""
        run("systemctl", "stop", "aerodb-*")
        run("systemctl", "reset-failed")
        for name in [*NODES, "c1"]:
            run("rm", "-rf", f"/var/lib/aerodb/{name}")

    def init(self):
        def one(name, *arguments):
            return json.loads(run("runuser", "-u", "aerodb", "--", "aerodb", "init", "--config", CONFIGS / f"{name}.toml", *arguments, "-o", "json").stdout)
        cluster = one("p1", "--role", "primary")["cluster"]
        for name in ("r1", "r2"):
            one(name, "--role", "replica", "--cluster-id", cluster)

    def start_all(self):
        self.init()
        run("systemctl", "start", *NODES.values(), *OTHERS)

    def fail_to_start(self, unit):
        self.assertNotEqual(run("systemctl", "start", unit, check=False).returncode, 0)
        found = properties(unit)
        self.assertEqual((found["ActiveState"], found["NRestarts"]), ("failed", "0"))
        return found

    def test_the_installation_started_nothing(self):
        self.assertEqual(self.running_after_installation, "")
        for unit in [*NODES.values(), *OTHERS]:
            self.assertEqual(run("systemctl", "is-enabled", unit).stdout.strip(), "static")

    def test_every_role_serves_locked_in(self):
        self.start_all()
        for unit in [*NODES.values(), *OTHERS]:
            with self.subTest(unit=unit):
                found = properties(unit)
                self.assertEqual(found["ActiveState"], "active")
                status = dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{found['MainPID']}/status").read_text().splitlines())
                self.assertEqual((int(status["CapEff"], 16), status["NoNewPrivs"], status["Seccomp"]), (0, "1", "2"))
                self.assertNotEqual(status["Uid"].split("\t")[0], "0")
        self.assertEqual(properties(NODES["p1"])["StatusText"], "p1 READY, role primary")

    def test_work_of_every_kind_passes_the_filter_of_system_calls(self):
        self.start_all()
        aerodb("schema", "register", EXAMPLES / "countries.schema.json", "--node", "p1")
        aerodb("import", "countries", "/usr/share/iso-codes/json/iso_3166-1.json", "--id-field", "alpha_2", "--node", "p1")
        aerodb("checkpoint", "--node", "p1")
        aerodb("backup", "--node", "p1", "--output", "/tmp/p1.tar")
        aerodb("verify", "/tmp/p1.tar", "--level", "replay")
        aerodb("explain", "read", "countries", "IS", "--node", "p1")
        confirmed("demote", "p1", "--to", "r1", "--reason", "test")
        wait_status(NODES["p1"], "p1 READY, role sealed")
        end = time.monotonic() + 60
        while json.loads(aerodb("status", "--node", "r1", "-o", "json"))["seal_lsn"] is None and time.monotonic() < end:
            time.sleep(0.05)
        confirmed("promote", "r1", "--reason", "test")
        wait_status(NODES["r1"], "r1 READY, role primary")
        entries = [json.loads(line) for line in pathlib.Path("/var/lib/aerodb/c1/audit/audit.jsonl").read_text().splitlines()]
        self.assertEqual({entry["uid"] for entry in entries}, {0}, "root is root in the control plane's own user namespace")
        self.assertNotIn("not permitted", run("journalctl", "-o", "cat", "-u", "aerodb-*").stdout)

    def test_a_failed_start_says_why_and_stays_failed(self):
        found = self.fail_to_start(NODES["p1"])
        self.assertEqual(found["StatusText"], "failed, exit code 78: NOT_INITIALIZED: open /var/lib/aerodb/p1: it holds no NODE file")
        self.assertEqual(found["ExecMainStatus"], "78")
        bad = CONFIGS / "bad.toml"
        self.addCleanup(bad.unlink)
        bad.write_text("[node]\n")
        self.assertEqual(self.fail_to_start("aerodb-primary@bad")["ExecMainStatus"], "78")

    def test_a_refused_service_takes_nothing_from_the_one_that_runs(self):
        self.start_all()
        found = self.fail_to_start("aerodb-replica@p1")
        self.assertEqual((found["ExecMainStatus"], found["StatusText"].split(": ")[1]), ("85", "LOCKED"), found)
        self.assertEqual(sorted(os.listdir("/run/aerodb/p1")), ["control.sock", "maintenance.sock"])
        aerodb("checkpoint", "--node", "p1")

    def test_a_killed_service_waits_for_an_operator(self):
        self.start_all()
        run("kill", "-KILL", properties(NODES["p1"])["MainPID"])
        end = time.monotonic() + 60
        while properties(NODES["p1"])["ActiveState"] == "active" and time.monotonic() < end:
            time.sleep(0.05)
        found = properties(NODES["p1"])
        self.assertEqual((found["ActiveState"], found["Result"], found["NRestarts"]), ("failed", "signal", "0"))
        run("systemctl", "start", NODES["p1"])
        self.assertEqual(properties(NODES["p1"])["StatusText"], "p1 READY, role primary")

    def test_stopping_is_in_good_order(self):
        self.start_all()
        run("systemctl", "stop", "aerodb-*")
        for unit in [*NODES.values(), *OTHERS]:
            self.assertEqual((properties(unit)["ActiveState"], properties(unit)["Result"]), ("inactive", "success"), unit)


if __name__ == "__main__":
    unittest.main()
