"""A diagnosis by the operator's desk: what it costs, what it proves, what it finds, and that it only reads."""
import hashlib
import unittest

from desk import COMMAND, DeskTest
from harness import wait_until


class DiagnoseTest(DeskTest):
    def setUp(self):
        super().setUp()
        self.fill(0, 50)
        self.cluster.aerodb("checkpoint", "--config", "p1.toml")
        self.fill(50, 60)

    def operation(self):
        with self.cluster.client("p1") as client:
            return client.call("observe.storage")["operations"][-1]

    def diagnose(self):
        done = self.confirm(self.explain("diagnose", "p1", None)["challenge"], "diagnose p1")
        self.assertEqual(done["outcome"], "answered", done)
        wait_until(lambda: self.operation()["stage"] in ("done", "failed"), "the diagnosis")
        self.assertEqual(self.operation()["number"], done["answer"]["operation"])
        return done

    def files(self):
        kept = [path for path in sorted((self.cluster.dir / "p1").rglob("*")) if path.is_file() and not path.name.startswith("events")]
        return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in kept}

    def test_states_its_cost_proves_the_log_to_its_end_and_writes_nothing(self):
        explained = self.explain("diagnose", "p1", None)["explanation"]
        self.assertTrue(explained["conclusion"]["status"].startswith("would be accepted"))
        with self.cluster.client("p1") as client:
            storage = client.call("observe.storage")
        self.assertEqual(explained["conclusion"]["cost"]["run_bytes"], sum(run["bytes"] for run in storage["runs"]))
        self.assertEqual(explained["conclusion"]["cost"]["log_records"], 10)
        before = self.files()
        done = self.diagnose()
        operation = self.operation()
        self.assertEqual((operation["kind"], operation["stage"]), ("diagnosis", "done"))
        self.assertEqual(operation["lsn"], self.cluster.status("p1")["durable_lsn"])
        self.assertEqual(self.files(), before)
        self.assertEqual(self.stages(), ["requested", "explained", *COMMAND])
        self.assertEqual(self.outcome("p1", done["request_id"]), "no_effect_recorded")

    def test_names_the_run_that_was_damaged_under_the_running_node(self):
        run = self.cluster.dir / "p1" / "runs" / "00000001.run"
        content = bytearray(run.read_bytes())
        content[len(content) // 2] ^= 0x20
        with run.open("r+b") as file:
            file.write(content)
        self.diagnose()
        operation = self.operation()
        self.assertEqual((operation["stage"], operation["error_code"]), ("failed", "RUN_DAMAGED"))
        self.assertIn("00000001.run", operation["error_message"])
        self.assertEqual(self.cluster.status("p1")["state"], "READY")

    def test_the_console_asks_in_two_halves(self):
        asked = self.cluster.aerodb("diagnose", "p1", "--reason", "test", "--control-plane", "unix:c1.sock", check=False)
        self.assertIn('"run_bytes"', asked.stdout)
        self.assertIn("CONFIRMATION_REQUIRED", asked.stderr)
        challenge = next(line.split()[1] for line in asked.stdout.splitlines() if line.startswith("challenge"))
        done = self.cluster.aerodb("confirm", challenge, "--phrase", "diagnose p1", "--control-plane", "unix:c1.sock")
        self.assertIn("answered", done.stdout)
        wait_until(lambda: self.operation()["stage"] == "done", "the diagnosis")


if __name__ == "__main__":
    unittest.main()
