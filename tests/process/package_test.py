"""What `make install` and `make deb` put where, and that a package which is installed starts nothing."""
import os
import pathlib
import shutil
import stat
import subprocess
import tempfile
import unittest

from harness import BIN, READY_SECONDS, is_built
from systemd_test import WORST_EXPOSURE

BUILD = BIN.parent
ROLES = ["aerodb-controlplane", *(["aerodb-explainer"] if is_built("aerodb-explainer") else []), "aerodb-primary", "aerodb-replica", "aerodb-shipper"]
EXAMPLES = {name: role for name, role in {
    "c1": "aerodb-controlplane", "e1": "aerodb-explainer", "p1": "aerodb-primary", "r1": "aerodb-replica", "r2": "aerodb-replica",
    "s1-from-p1": "aerodb-shipper", "s1-from-r1": "aerodb-shipper"}.items() if role in ROLES}


def run(*argv, **options):
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=READY_SECONDS, **options)
    if done.returncode != 0:
        raise AssertionError(f"{argv}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def setUpModule():
    if not (BUILD / "CPackConfig.cmake").exists():
        raise AssertionError(f"{BUILD} is no build that is packaged: those with planted faults are not")


class Installed:
    """What holds below every prefix; `root` is the directory that stands for /."""

    prefix = None

    def below(self, path):
        return self.root / self.prefix[1:] / path

    def test_every_program_is_there(self):
        self.assertEqual(sorted(path.name for path in self.below("bin").iterdir()), ["aerodb", *ROLES])

    def test_units_name_the_programs_that_were_installed(self):
        units = sorted(self.below("lib/systemd/system").glob("*.service"))
        self.assertEqual([unit.name for unit in units], [f"{role}@.service" for role in ROLES])
        for unit in units:
            with self.subTest(unit=unit.name):
                start = next(line for line in unit.read_text().splitlines() if line.startswith("ExecStart="))
                program = pathlib.Path(start.removeprefix("ExecStart=").split()[0])
                self.assertEqual(str(program), f"{self.prefix}/bin/{unit.name.removesuffix('@.service')}")
                self.assertTrue(os.access(self.root / str(program)[1:], os.X_OK))

    def test_examples_are_valid_and_name_the_directories_of_the_units(self):
        shown = {path.stem for path in self.below("share/doc/aerodb/examples").glob("*.toml")}
        self.assertEqual(shown, EXAMPLES.keys())
        for name, program in EXAMPLES.items():
            with self.subTest(example=name):
                example = self.below(f"share/doc/aerodb/examples/{name}.toml")
                run(self.below(f"bin/{program}"), "--config", example, "--check-config")
                text = example.read_text()
                self.assertNotIn(".cluster", text)
                self.assertNotIn("working directory", text)
                if program in ("aerodb-primary", "aerodb-replica"):
                    self.assertIn(f'data_dir = "/var/lib/aerodb/{name}"', text)
                    self.assertIn(f'control = "unix:/run/aerodb/{name}/control.sock"', text)

    def test_account_directories_and_documents_are_there(self):
        for path in ("lib/sysusers.d/aerodb.conf", "lib/tmpfiles.d/aerodb.conf", "share/doc/aerodb/LICENSE", "share/doc/aerodb/README.md",
                     "share/doc/aerodb/copyright", "share/doc/aerodb/docs/operations.md", "share/doc/aerodb/examples/countries.schema.json"):
            self.assertTrue(self.below(path).is_file(), path)

    def test_everybody_may_read_and_nobody_may_write(self):
        for path in self.root.rglob("*"):
            mode = stat.S_IMODE(path.lstat().st_mode)
            executable = path.is_dir() or path.parent == self.below("bin")
            self.assertEqual(oct(mode), oct(0o755 if executable else 0o644), path)

    def test_nothing_lies_outside_of_the_prefix(self):
        outside = [path for path in self.root.rglob("*") if path.is_file() and not path.is_relative_to(self.below("."))]
        self.assertEqual(outside, [])


class InstallTest(Installed, unittest.TestCase):
    prefix = "/opt/aerodb"

    @classmethod
    def setUpClass(cls):
        cls.root = pathlib.Path(tempfile.mkdtemp(prefix="aerodb-install-"))
        cls.addClassCleanup(shutil.rmtree, cls.root)
        run("cmake", "--install", BUILD, "--prefix", cls.prefix, env={**os.environ, "DESTDIR": str(cls.root)}, umask=0o022)


class PackageTest(Installed, unittest.TestCase):
    prefix = "/usr"

    @classmethod
    def setUpClass(cls):
        work = pathlib.Path(tempfile.mkdtemp(prefix="aerodb-package-"))
        cls.addClassCleanup(shutil.rmtree, work)
        run("cpack", "--config", BUILD / "CPackConfig.cmake", "-B", work, umask=0o022)
        (cls.package,) = work.glob("*.deb")
        cls.root, cls.control = work / "root", work / "control"
        run("dpkg-deb", "--extract", cls.package, cls.root)
        run("dpkg-deb", "--control", cls.package, cls.control)
        cls.root.chmod(0o755)

    def test_it_depends_on_the_libraries_and_on_what_its_script_calls(self):
        depends = run("dpkg-deb", "--field", self.package, "Depends")
        for name in ("systemd", "libc6 (>=", "libstdc++6 (>=", "libuv1 (>=", "libssl3 (>=", "libmicrohttpd12 (>="):
            self.assertIn(name, depends)

    def test_all_of_it_belongs_to_root(self):
        owners = {line.split()[1] for line in run("dpkg-deb", "--contents", self.package).splitlines()}
        self.assertEqual(owners, {"root/root"})

    def test_installing_it_starts_and_enables_nothing(self):
        self.assertEqual(sorted(path.name for path in self.control.iterdir()), ["control", "md5sums", "postinst", "postrm"])
        for unit in self.below("lib/systemd/system").glob("*.service"):
            self.assertNotIn("\n[Install]", unit.read_text(), "there is nothing to enable")
        calls = self.control / "calls"
        tools = self.control / "tools"
        tools.mkdir()
        self.addCleanup(shutil.rmtree, tools)
        for tool in ("systemctl", "systemd-sysusers", "systemd-tmpfiles"):
            (tools / tool).write_text(f'#!/bin/sh\necho {tool} "$@" >> {calls}\n')
            (tools / tool).chmod(0o755)
        allowed = {"systemd-sysusers aerodb.conf", "systemd-tmpfiles --create aerodb.conf", "systemctl daemon-reload"}
        # No other tool can be found by name, so a script that called one would fail.
        for script, argument in (("postinst", "configure"), ("postrm", "remove"), ("postrm", "purge")):
            run("/bin/sh", self.control / script, argument, env={"PATH": str(tools)})
        made = calls.read_text().splitlines()
        calls.unlink()
        self.assertEqual(made[:2], ["systemd-sysusers aerodb.conf", "systemd-tmpfiles --create aerodb.conf"])
        self.assertLessEqual(set(made), allowed)

    def test_units_are_as_locked_in_as_those_of_the_tree(self):
        for unit in self.below("lib/systemd/system").glob("*.service"):
            with self.subTest(unit=unit.name):
                run("systemd-analyze", "security", "--offline=true", f"--root={self.root}", f"--threshold={WORST_EXPOSURE}", unit.name)


if __name__ == "__main__":
    unittest.main()
