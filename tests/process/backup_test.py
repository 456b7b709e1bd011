"""Backup, restore and verify by the console's verbs: of running nodes under load, of stopped ones, damaged ones."""
import json
import threading
import unittest

from harness import OneNodeTest, free_port, lines

BOUND = ("--config", "p1.toml")


class BackupTest(OneNodeTest):
    def answer(self, *arguments):
        return json.loads(self.cluster.aerodb(*arguments, "-o", "json").stdout)

    def second_node(self, name="q1"):
        self.cluster.ports[name] = (free_port(), free_port())
        self.cluster.write_node(name)
        return ("--config", f"{name}.toml")

    def documents(self, node, commit, count):
        with self.cluster.client(node) as client:
            return [self.get(client, number, at_commit=commit)["data"] for number in range(count)]

    def test_the_plain_forms_use_the_configuration_beside_them(self):
        self.fill(0, 5)
        refused = self.cluster.aerodb("backup", "--output", "backup.tar", check=False)
        self.assertEqual(refused.returncode, 64)
        self.assertIn("USAGE", refused.stderr)
        refused = self.cluster.aerodb("restore", "--input", "backup.tar", check=False)
        self.assertEqual(refused.returncode, 64)
        config = (self.cluster.dir / "p1.toml").read_text()
        self.cluster.write("aerodb.toml", config)
        self.cluster.aerodb("backup", "--output", "backup.tar")
        (self.cluster.dir / "aerodb.toml").unlink()
        self.second_node()
        (self.cluster.dir / "q1.toml").rename(self.cluster.dir / "aerodb.toml")
        self.cluster.aerodb("restore", "--input", "backup.tar")
        self.cluster.start("q1", binary="aerodb-primary", config="aerodb.toml")
        self.assertEqual(self.documents("q1", 5, 5), self.documents("p1", 5, 5))

    def test_taken_under_write_load_it_restores_to_the_exact_state_of_its_commit(self):
        self.fill(0, 40)
        self.cluster.aerodb("checkpoint", *BOUND)
        self.fill(40, 60)
        stop = threading.Event()
        written = []

        def write():
            with self.cluster.client("p1") as client:
                while not stop.is_set():
                    number = len(written) % 60
                    client.call("doc.update", collection="notes", schema_version=1,
                                document={"_id": f"n{number}", "rank": len(written), "text": "x" * 500})
                    written.append(number)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            while len(written) < 100:
                pass
            backup = self.answer("backup", "--output", "b.tar", *BOUND)
            self.assertEqual(backup["source"], "node")
            taken = len(written)
            while len(written) < taken + 100:
                pass
        finally:
            stop.set()
            writer.join()
        verified = lines(self.cluster.aerodb("verify", "b.tar"))[-1]
        self.assertEqual((verified["commit"], verified["digest"], verified["chain"]),
                         (backup["commit"], backup["digest"], backup["chain"]))
        self.cluster.aerodb("verify", "b.tar", "--against", f"{backup['lsn']}:{backup['chain']}")
        config = self.second_node()
        restored = self.answer("restore", "--input", "b.tar", *config)
        self.assertEqual((restored["commit"], restored["digest"]), (backup["commit"], backup["digest"]))
        self.cluster.start("q1", binary="aerodb-primary")
        status = self.cluster.status("q1")
        self.assertEqual(status["role"], "primary")
        self.assertEqual(status["digest"].hex(), backup["digest"])
        self.assertNotEqual(status["cluster"], self.cluster.status("p1")["cluster"])
        self.assertEqual(self.documents("q1", backup["commit"], 60), self.documents("p1", backup["commit"], 60))
        with self.cluster.client("q1") as client:
            receipt = self.insert(client, 1000)["receipt"]
            self.assertEqual(receipt["commit_id"], backup["commit"] + 1)

    def test_of_a_running_and_of_a_stopped_node_it_is_the_same_file(self):
        self.fill(0, 20)
        self.cluster.aerodb("checkpoint", *BOUND)
        self.fill(20, 25)
        self.answer("backup", "--output", "running.tar", *BOUND)
        self.cluster.stop("p1")
        stopped = self.answer("backup", "--output", "stopped.tar", *BOUND)
        self.assertEqual(stopped["source"], "directory")
        self.cluster.aerodb("backup", "--output", "directory.tar", "--data-dir", "p1")
        content = (self.cluster.dir / "running.tar").read_bytes()
        self.assertEqual((self.cluster.dir / "stopped.tar").read_bytes(), content)
        self.assertEqual((self.cluster.dir / "directory.tar").read_bytes(), content)
        refused = self.cluster.aerodb("backup", "--output", "running.tar", *BOUND, check=False)
        self.assertEqual(refused.returncode, 73)
        self.assertIn("BACKUP_EXISTS", refused.stderr)

    def test_a_directory_in_use_is_neither_backed_up_nor_verified_behind_its_node(self):
        for verb in (("backup", "--output", "b.tar", "--data-dir", "p1"), ("verify", "p1")):
            refused = self.cluster.aerodb(*verb, check=False)
            self.assertEqual(refused.returncode, 85)
            self.assertIn("LOCKED", refused.stderr)
        self.assertFalse((self.cluster.dir / "b.tar.partial").exists())

    def test_a_flipped_bit_is_found_and_named_and_nothing_is_restored(self):
        self.fill(0, 20)
        self.cluster.aerodb("checkpoint", *BOUND)
        self.fill(20, 22)
        self.cluster.aerodb("backup", "--output", "b.tar", *BOUND)
        content = (self.cluster.dir / "b.tar").read_bytes()
        config = self.second_node()
        for at, name in ((520, "BACKUP"), (len(content) // 2, "runs/"), (len(content) - 700, "behind LIST"), (len(content) - 2, "end mark")):
            flipped = bytearray(content)
            flipped[at] ^= 8
            (self.cluster.dir / "flipped.tar").write_bytes(flipped)
            refused = self.cluster.aerodb("verify", "flipped.tar", "--level", "manifest", check=False)
            self.assertEqual(refused.returncode, 65, refused.stdout)
            self.assertIn("BACKUP_DAMAGED", refused.stderr)
            self.assertIn(name, refused.stderr)
            refused = self.cluster.aerodb("restore", "--input", "flipped.tar", *config, check=False)
            self.assertEqual(refused.returncode, 65)
            self.assertFalse((self.cluster.dir / "q1").exists())

    def test_restore_to_a_commit_and_into_the_same_cluster(self):
        self.fill(0, 10)
        self.cluster.aerodb("checkpoint", *BOUND)
        self.fill(10, 20)
        backup = self.answer("backup", "--output", "b.tar", *BOUND)
        before = self.documents("p1", 13, 13)
        self.cluster.stop("p1")
        config = self.second_node()
        refused = self.cluster.aerodb("restore", "--input", "b.tar", *config, "--to-commit", backup["commit"] + 1, check=False)
        self.assertEqual(refused.returncode, 65)
        self.assertIn("BAD_REQUEST", refused.stderr)
        restored = self.answer("restore", "--input", "b.tar", *config, "--to-commit", 13, "--same-cluster", "--reason", "lost")
        self.assertEqual((restored["commit"], restored["cluster"]), (13, self.cluster.cluster_id))
        again = self.cluster.aerodb("restore", "--input", "b.tar", *config, check=False)
        self.assertEqual(again.returncode, 73)
        self.assertIn("ALREADY_INITIALIZED", again.stderr)
        self.cluster.start("q1", binary="aerodb-primary")
        self.assertEqual(self.documents("q1", 13, 13), before)
        self.assertEqual(self.cluster.status("q1")["ancestry"][-1]["reason"], "restore")

    def test_verify_compares_a_dead_directory_with_a_receipt(self):
        self.fill(0, 5)
        with self.cluster.client("p1") as client:
            receipt = self.insert(client, 5)["receipt"]
        self.cluster.kill("p1")
        position = f"{receipt['lsn']}:{receipt['chain'].hex()}"
        [*_, verified] = lines(self.cluster.aerodb("verify", "p1", "--level", "chain", "--against", position))
        self.assertEqual((verified["line"], verified["lsn"], verified["tail"]), ("verified", receipt["lsn"], "T1"))
        beyond = f"{receipt['lsn'] + 1}:{receipt['chain'].hex()}"
        refused = self.cluster.aerodb("verify", "p1", "--against", beyond, check=False)
        self.assertEqual(refused.returncode, 65)
        self.assertIn("POSITION_NOT_HELD", refused.stderr)
        refused = self.cluster.aerodb("verify", "p1", "--level", "manifest", "--against", position, check=False)
        self.assertEqual(refused.returncode, 64)

    def test_a_node_that_dies_meanwhile_leaves_no_backup(self):
        # The node is killed by its test before it answers, so the console loses its connection at some point or other.
        self.fill(0, 50)
        self.cluster.aerodb("checkpoint", *BOUND)
        killer = threading.Timer(0.01, lambda: self.cluster.kill("p1"))
        killer.start()
        done = self.cluster.aerodb("backup", "--output", "b.tar", *BOUND, check=False)
        killer.join()
        self.assertFalse((self.cluster.dir / "b.tar.partial").exists())
        if done.returncode == 0:
            self.cluster.aerodb("verify", "b.tar")
        else:
            self.assertFalse((self.cluster.dir / "b.tar").exists())


if __name__ == "__main__":
    unittest.main()
