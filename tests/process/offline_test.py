"""What a dead directory says of itself, beside what its next start says: the real explainer, without a node."""
import json
import os
import subprocess
import unittest

from harness import READY_SECONDS, OneNodeTest, only_with

load_tests = only_with("aerodb-explainer")

OF_WHO_LOOKS = {"carried_out", "configured_node"}


def evidence_of(explanation):
    """Every name of inputs and evidence with its value."""
    found = dict(explanation["inputs"])
    for rule in explanation["rules_applied"]:
        found.update(rule["evidence"])
    return {name: value for name, value in found.items() if name not in OF_WHO_LOOKS}


def tree(directory):
    """Every file and directory below with its bytes, mode and times."""
    found = {}
    for path in sorted([directory, *directory.rglob("*")]):
        about = path.stat()
        found[str(path)] = (about.st_mode, about.st_mtime_ns, about.st_ctime_ns, path.read_bytes() if path.is_file() else None)
    return found


class OfflineTest(OneNodeTest):
    def explain(self, *options, directory="p1"):
        return subprocess.run([str(self.cluster.bin / "aerodb-explainer"), "--data-dir", directory, *options], cwd=self.cluster.dir,
                              capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=READY_SECONDS)

    def explained(self, *options):
        done = self.explain(*options)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return json.loads(done.stdout)["explanation"]

    def refused_at_rest(self, code, exit_code, *options, directory="p1"):
        done = self.explain(*options, directory=directory)
        self.assertEqual((done.returncode, done.stdout), (exit_code, ""), done.stderr)
        self.assertIn(f"aerodb-explainer: {code}: ", done.stderr)

    def fill_around_a_checkpoint(self):
        self.fill(0, 40)
        self.cluster.aerodb("checkpoint", "--config", "p1.toml")
        self.fill(40, 70)

    def test_a_killed_node_is_foretold_what_its_start_then_says(self):
        self.fill_around_a_checkpoint()
        self.cluster.kill("p1")
        before = tree(self.cluster.dir / "p1")
        foretold = self.explained()
        again = self.explained("--what", "recovery")
        self.assertEqual(tree(self.cluster.dir / "p1"), before, "reading changed the directory")
        self.assertEqual(foretold, again)
        self.assertEqual(foretold["conclusion"]["status"], "would recover")
        self.assertTrue(foretold["conclusion"]["state_valid"])

        self.cluster.start("p1")
        with self.cluster.client("p1") as client:
            said = client.call("explain.recovery")["explanation"]
            self.assertEqual(client.call("explain.recovery")["explanation"], said)
            status = client.call("status")
        said = json.loads(json.dumps(said, default=bytes.hex))
        self.assertEqual(evidence_of(said), evidence_of(foretold))
        self.assertEqual([r["rule_id"] for r in said["rules_applied"]], [r["rule_id"] for r in foretold["rules_applied"]])
        self.assertEqual(said["conclusion"], {**foretold["conclusion"], "status": "recovered"})
        self.assertEqual(said["conclusion"]["final_commit_id"], status["commit_id"])
        self.assertEqual(said["conclusion"]["digest"], status["digest"].hex())
        self.assertEqual(evidence_of(said)["records"], [{"type": "commit", "count": 30}])

    def test_damage_is_explained_by_the_dead_directory_and_by_a_node_that_stays_for_repairs(self):
        self.fill_around_a_checkpoint()
        self.cluster.kill("p1")
        segment = self.cluster.dir / "p1/wal/0000.seg"
        foretold = evidence_of(self.explained())
        with open(segment, "r+b") as file:  # in the frame before the last one, which has a sector
            file.seek(foretold["last_frame_offset"] - 512 + 70)
            byte = file.read(1)[0]
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte ^ 1]))
        foretold = self.explained()
        self.assertEqual((foretold["conclusion"]["status"], foretold["conclusion"]["code"], foretold["conclusion"]["tail_label"]),
                         ("would be refused", "WAL_HOLE", "T2"))
        self.cluster.start_repair("p1")
        with self.cluster.client("p1") as client:
            said = json.loads(json.dumps(client.call("explain.recovery")["explanation"], default=bytes.hex))
        self.assertEqual(said["conclusion"], {**foretold["conclusion"], "status": "refused"})
        self.assertEqual(evidence_of(said), evidence_of(foretold))

    def test_a_directory_that_may_not_be_written_is_read_all_the_same(self):
        self.fill_around_a_checkpoint()
        self.cluster.stop("p1")
        directory = self.cluster.dir / "p1"
        written = self.explained()
        paths = sorted([directory, *directory.rglob("*")], reverse=True)
        modes = {path: path.stat().st_mode for path in paths}
        try:
            for path in paths:
                path.chmod(0o500 if path.is_dir() else 0o400)
            before = tree(directory)
            self.assertEqual(self.explained(), written)
            self.assertEqual(tree(directory), before)
        finally:
            for path in reversed(paths):
                path.chmod(modes[path] & 0o777)

    def test_a_directory_in_use_and_what_is_no_directory_of_a_node_are_refused_by_name(self):
        self.fill(0, 3)
        self.refused_at_rest("LOCKED", 85)
        self.cluster.kill("p1")
        (self.cluster.dir / "empty").mkdir()
        self.refused_at_rest("NOT_INITIALIZED", 78, directory="empty")
        self.refused_at_rest("NOT_INITIALIZED", 78, directory="absent")
        self.refused_at_rest("USAGE", 64, "--what", "everything")
        self.refused_at_rest("USAGE", 64, "--config", "p1.toml")
        (self.cluster.dir / "p1/INSTALL").touch()
        self.refused_at_rest("NOT_READY", 75)

    def test_the_other_subjects_of_a_dead_directory(self):
        self.fill_around_a_checkpoint()
        self.cluster.kill("p1")
        before = tree(self.cluster.dir / "p1")
        for what, kind in (("halt", "node.halt"), ("checkpoint", "checkpoint.safety"), ("promotion", "promotion.decision")):
            self.assertEqual(self.explained("--what", what)["explanation_type"], kind)
        self.assertEqual(tree(self.cluster.dir / "p1"), before)


if __name__ == "__main__":
    unittest.main()
