"""kill -9 at every crash point: nothing acknowledged is lost, and the second restart shows what the first one showed.

First each phase runs once and writes down the points it passes. Then, each on a copy of the phase's directory, a real
process is killed at one point, restarted, killed again and restarted once more.

AERODB_CRASH_POINTS: unset, each point once; `all`, each point of each phase, at its first passage and a later one; else
words separated by commas, each a phase, a point or PHASE:POINT, with @N behind a point for its N-th passage.
"""
import os
import pathlib
import shutil
import signal
import tempfile
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

from crash_phases import PHASES
from crash_templates import Templates
from crash_victim import CHECK_BIN, Victim
from harness import BIN, is_built
from rpc import ConnectionLost

WANTED = os.environ.get("AERODB_CRASH_POINTS", "")
WORKERS = 2 * (os.cpu_count() or 1)


def passages_of(log):
    """Point -> the greatest passage that is known, from the lines NAME, NAME@2, NAME@3 and so on."""
    passages = {}
    for line in log.read_text().splitlines():
        name, _, number = line.partition("@")
        passages[name] = int(number or 1)
    return passages


class Run:
    """One phase on a copy of its template, with points logged or one of them taken."""

    def __init__(self, phase, templates, directory):
        self.phase, self.templates = phase, templates
        template = templates[phase.template] if phase.template else None
        self.victim = Victim(directory, template, phase.node, phase.binary)

    def work(self, environment):
        """True: the victim was killed while it worked."""
        try:
            if self.phase.command:
                self.victim.command_environment = environment
            else:
                self.victim.start(environment)
            self.phase.work(self.victim, self.templates)
            return False
        except (ConnectionLost, OSError):
            return True

    def enumerate(self):
        log = self.victim.dir / "points"
        killed = self.work({"AERODB_CRASH_POINTS_LOG": str(log)})
        assert not killed, f"{self.phase.name} ended without being killed\n{self.log()}"
        time.sleep(0.2)  # what goes on after the last answer, events for one, has its points too
        self.victim.end()
        return passages_of(log)

    def kill_at(self, point):
        self.work({"AERODB_CRASH_POINT": point})
        if self.phase.command:
            assert self.victim.command_killed, "the command was not killed"
            self.victim.end()
        else:
            code = self.victim.ended()  # where the work got through, the point comes soon
            assert code == -signal.SIGKILL, f"ended with {code} and was not killed"
        self.victim.command_environment = {}
        if self.phase.command and self.phase.again:
            self.victim.keep_left()
        first = self.look()
        self.victim.end()
        second = self.look()
        assert first == second, f"the second restart shows something else:\n{first}\n{second}"
        if "refused" in second and self.phase.once_more:
            self.phase.once_more(self.victim, self.templates)
            second = self.look()
            assert "refused" not in second, second
        if self.phase.again:
            second = self.work_again()
        self.victim.go_on(second)
        self.victim.end()

    def work_again(self):
        """The same work gets through: a command's on what the kill left, else that of the node that was looked at."""
        self.victim.end()
        if self.phase.command:
            self.victim.back_to_left()
        assert not self.work({}), "the work once more ended the process"
        self.victim.end()
        return self.look()

    def look(self):
        seen = self.victim.look()
        if "refused" in seen:
            assert seen["refused"] in self.phase.may_refuse and not self.victim.promises, f"restart refused: {seen}"
        self.victim.check(seen)
        if self.phase.look_closer:
            self.phase.look_closer(self.victim)
        return seen

    def log(self):
        log = self.victim.dir / "node.log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return "\n".join(line for line in lines[-12:] if '"process_start"' not in line)


class CrashPointTest(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="aerodb-crash-"))
        self.addCleanup(shutil.rmtree, self.root, ignore_errors=True)

    def test_a_kill_at_every_point_loses_nothing(self):
        templates = Templates(self.root)
        self.addCleanup(templates.close)
        with ThreadPoolExecutor(WORKERS) as pool:
            known = dict(zip((phase.name for phase in PHASES), pool.map(lambda phase: self.points_of(phase, templates), PHASES)))
            self.check_known(known)
            plan = plan_of(known)
            self.assertTrue(plan, f"AERODB_CRASH_POINTS={WANTED} names no phase and no point")
            failures = [failure for failure in pool.map(lambda run: self.kill(*run, templates), plan) if failure]
        points = {point.partition("@")[0] for _, point in plan}
        print(f"{len(plan)} kills at {len(points)} points in {len({phase.name for phase, _ in plan})} phases")
        self.assertFalse(failures, "\n".join([f"{len(failures)} of {len(plan)} kills", *failures]))

    def points_of(self, phase, templates):
        run = Run(phase, templates, self.root / f"enumerate-{phase.name}")
        try:
            return run.enumerate()
        finally:
            run.victim.end()

    def check_known(self, known):
        for phase in PHASES:
            passed = known[phase.name]
            self.assertEqual(set(phase.must) - set(passed), set(), f"{phase.name} did not pass these")
            # A file that has no row in the table of classes. Asking whether a directory is there is harmless.
            unnamed = [point for point in passed if point.startswith("other.") and point != "other.exists.before"]
            self.assertEqual(unnamed, [], f"{phase.name}: give the files a class in common/uv/crash_points.cc")

    def kill(self, phase, point, templates):
        directory = self.root / f"{phase.name}-{point}"
        run = Run(phase, templates, directory)
        try:
            run.kill_at(point)
            return None
        except Exception as error:  # of any kind: the next kill goes on
            return f"AERODB_CRASH_POINTS={phase.name}:{point}: {type(error).__name__}: {error}\n{run.log()}"
        finally:
            run.victim.end()
            shutil.rmtree(directory, ignore_errors=True)

    def test_release_binaries_hold_no_crash_point(self):
        binaries = ["aerodb", "aerodb-primary", "aerodb-replica", "aerodb-controlplane", "aerodb-shipper"]
        if is_built("aerodb-explainer"):
            binaries.append("aerodb-explainer")
        for name in binaries:
            with self.subTest(binary=name):
                self.assertNotIn(b"AERODB_CRASH", (BIN / name).read_bytes())
        self.assertIn(b"AERODB_CRASH_POINT", (CHECK_BIN / "aerodb-primary").read_bytes())


def middle(passages):
    """A passage that other runs will reach too, although not everything happens in the same order."""
    return max(1, passages // 2)


def at(point, passage):
    return point if passage == 1 else f"{point}@{passage}"


def plan_of(known):
    """(phase, point) of every kill, in the order of the phases."""
    plan = []
    seen = set()
    for phase in PHASES:
        passed = known[phase.name]
        if WANTED and WANTED != "all":
            plan += [(phase, point) for word in WANTED.split(",") for point in chosen(word.strip(), phase, passed)]
            continue
        for point, passages in passed.items():
            numbers = {number for number in phase.passages if number <= passages} if point.startswith(phase.focus) else set()
            if WANTED == "all":
                numbers |= {1, middle(passages)}
            elif point not in seen and not numbers:
                numbers = {middle(passages)}
            seen.add(point)
            plan += [(phase, at(point, number)) for number in sorted(numbers)]
    return plan


def chosen(word, phase, passed):
    """Points of a phase that a word of AERODB_CRASH_POINTS means."""
    if word == phase.name:
        return [at(point, middle(passages)) for point, passages in passed.items()]
    of_phase, _, point = word.rpartition(":")
    if of_phase not in ("", phase.name) or point.partition("@")[0] not in passed:
        return []
    return [point]


if __name__ == "__main__":
    unittest.main()
