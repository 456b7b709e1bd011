"""The command line about itself: completion in real shells, manual pages that format, a shell fed line by line."""
import json
import pathlib
import subprocess
import tempfile
import unittest

from harness import BIN, OneNodeTest


def run(argv, **options):
    return subprocess.run([str(word) for word in argv], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60, **options)


class CompletionTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="aerodb-")
        self.addCleanup(directory.cleanup)
        self.dir = pathlib.Path(directory.name)

    def script(self, shell):
        path = self.dir / f"aerodb.{shell}"
        path.write_text(subprocess.run([BIN / "aerodb", "completion", shell], capture_output=True, text=True, check=True).stdout)
        return path

    def in_bash(self, *words):
        line = " ".join(f"'{word}'" for word in ("aerodb", *words))
        text = f"source {self.script('bash')}; COMP_WORDS=({line}); COMP_CWORD={len(words)}; _aerodb; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        done = run(["bash", "--norc", "-c", text])
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def in_fish(self, line):
        done = run(["fish", "--no-config", "-c", f"source {self.script('fish')}; complete -C '{line}'"], env={"HOME": str(self.dir), "PATH": "/usr/bin:/bin"})
        self.assertEqual(done.stderr, "")
        return [candidate.split("\t")[0] for candidate in done.stdout.splitlines()]

    def test_bash_completes_verbs_options_and_words(self):
        self.assertEqual(sorted(self.in_bash("exp")), ["explain", "export"])
        self.assertEqual(sorted(self.in_bash("explain", "re")), ["read", "recovery", "replication"])
        self.assertEqual(self.in_bash("query", "notes", "--lim"), ["--limit"])
        self.assertEqual(sorted(self.in_bash("get", "notes", "n1", "-o", "")), ["json", "jsonl", "table"])

    def test_fish_completes_verbs_options_and_words(self):
        self.assertEqual(sorted(self.in_fish("aerodb exp")), ["explain", "export"])
        self.assertEqual(sorted(self.in_fish("aerodb explain re")), ["read", "recovery", "replication"])
        self.assertEqual(self.in_fish("aerodb query notes --lim"), ["--limit"])
        self.assertEqual(sorted(self.in_fish("aerodb get notes n1 --format ")), ["json", "jsonl", "table"])

    def test_zsh_completes_verbs_options_and_words(self):
        text = f"""
compdef() {{ :; }}
compadd() {{ shift; print -l -- $@; }}
_files() {{ print -- files; }}
source {self.script('zsh')}
at() {{ words=("$@"); CURRENT=$#words; local -a words=("$@"); _aerodb; }}
at aerodb explain ''
"""
        done = run(["zsh", "-f", "-c", text])
        self.assertEqual(done.stderr, "")
        for word in ("read", "recovery", "verify"):
            self.assertIn(word, done.stdout.split())

    def test_another_shell_is_refused(self):
        done = run([BIN / "aerodb", "completion", "tcsh"])
        self.assertEqual(done.returncode, 64)

    def test_every_manual_page_formats_without_a_warning(self):
        run([BIN / "aerodb", "manual", self.dir], check=True)
        pages = sorted(self.dir.glob("*.1"))
        self.assertIn(self.dir / "aerodb-explain-read.1", pages)
        for page in pages:
            done = run(["groff", "-man", "-Tutf8", "-ww", page])
            self.assertEqual((done.returncode, done.stderr), (0, ""), page)
            self.assertIn(f"{page.stem}(1)", done.stdout)


class ShellTest(OneNodeTest):
    def shell(self, lines, **options):
        return self.cluster.aerodb("shell", "--node", f"127.0.0.1:{self.cluster.ports['p1'][0]}", input=lines, check=False, **options)

    def test_lines_are_verbs_and_the_node_counts_for_each(self):
        self.fill(1, 3)
        done = self.shell("# a remark\nget notes n2 -o jsonl\n\nstatus -o jsonl\n")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        document, status = map(json.loads, done.stdout.splitlines())
        self.assertEqual((document["data"]["version"]["document"]["_id"], status["node"]), ("n2", "p1"))

    def test_the_first_verb_that_fails_ends_it_with_its_code(self):
        done = self.shell("get notes\nstatus\n")
        self.assertEqual((done.returncode, done.stdout), (64, ""))
        done = self.shell("get notes 'x\n")
        self.assertEqual(done.returncode, 64)
        self.assertIn("quote", done.stderr)


if __name__ == "__main__":
    unittest.main()
