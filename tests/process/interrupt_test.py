"""`make demo` ended at random moments, by each way it can be ended, leaves no process; the next one works."""
import os
import pathlib
import random
import signal
import subprocess
import time
import unittest

from harness import BIN, ROOT, wait_until

INTERRUPTS = int(os.environ.get("AERODB_INTERRUPTS", "3"))
WORK = ROOT / ".cluster/demo"


def processes():
    """(pid, command line) of every process that runs one of our binaries or the demo's driver in this tree."""
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            command = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
            directory = os.readlink(entry / "cwd")
        except OSError:
            continue
        ours = command[0].startswith(str(BIN) + "/") and directory.startswith(str(WORK))
        if ours or any(word.endswith("configs/local/demo.py") for word in command[:3]):
            yield int(entry.name), " ".join(command)


class InterruptTest(unittest.TestCase):
    def setUp(self):
        self.make = None
        self.addCleanup(self.end)

    def end(self):
        if self.make and self.make.poll() is None:
            os.killpg(self.make.pid, signal.SIGKILL)
            self.make.wait()

    def start(self):
        self.make = subprocess.Popen(["make", "demo"], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                     start_new_session=True)

    def interrupt(self, way):
        if way == "SIGINT to the terminal's group":
            os.killpg(self.make.pid, signal.SIGINT)
        elif way == "SIGINT to make":
            self.make.send_signal(signal.SIGINT)
        elif way == "SIGTERM to make":
            self.make.send_signal(signal.SIGTERM)
        else:
            for pid, command in processes():
                if "demo.py" in command:
                    os.kill(pid, signal.SIGKILL)

    def test_nothing_is_left_and_the_next_one_works(self):
        chooser = random.Random(os.environ.get("AERODB_SEED", "1"))
        ways = ["SIGINT to the terminal's group", "SIGINT to make", "SIGTERM to make", "SIGKILL to the driver"]
        for number in range(INTERRUPTS):
            way = ways[number % len(ways)]
            with self.subTest(way=way, number=number):
                self.start()
                wait_until(lambda: self.make.poll() is not None or any("demo.py" in c for _, c in processes()), "the driver")
                time.sleep(chooser.random() * 12)
                self.interrupt(way)
                end = time.monotonic() + 5
                while list(processes()) and time.monotonic() < end:
                    time.sleep(0.1)
                self.assertEqual(list(processes()), [])
                self.make.wait(20)
        done = subprocess.run(["make", "demo"], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout[-2000:] + done.stderr[-2000:])


if __name__ == "__main__":
    unittest.main()
