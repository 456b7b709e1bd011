"""A build without the explainer makes every other program by the very same commands, so of the same bytes."""
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
OTHERS = ["aerodb", "aerodb-controlplane", "aerodb-primary", "aerodb-replica", "aerodb-shipper"]


def run(*argv):
    return subprocess.run([str(a) for a in argv], check=True, capture_output=True, text=True).stdout


def commands(explainer):
    """What is run to build the other programs. Always in the same directory, which the commands name."""
    with tempfile.TemporaryDirectory(prefix="aerodb-link-") as made:
        build = pathlib.Path(made) / "build"
        run("cmake", "--preset", "release", "-S", ROOT, "-B", build, f"-DAERODB_EXPLAINER={explainer}", "-DAERODB_TESTS=OFF")
        return run("ninja", "-C", build, "-t", "commands", *OTHERS).replace(made, "")


class WithoutExplainerTest(unittest.TestCase):
    def test_the_other_programs_are_built_by_the_same_commands(self):
        with_it, without = commands("ON"), commands("OFF")
        self.assertIn("common/engine/engine.cc", with_it)
        self.assertEqual(without.splitlines(), with_it.splitlines())


if __name__ == "__main__":
    unittest.main()
