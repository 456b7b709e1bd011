"""What cluster.py and demo.py share: paths, the aerodb command, the ISO tables, and waiting for nodes."""
import json
import os
import pathlib
import signal
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = ROOT / "build/release/bin"
CONFIGS = ROOT / "configs/local"
EXAMPLES = ROOT / "configs/examples"
ISO = pathlib.Path("/usr/share/iso-codes/json")
NODES = {"p1": "127.0.0.1:7301", "r1": "127.0.0.1:7303", "r2": "127.0.0.1:7305"}
EXPLAINER = "127.0.0.1:7320"
HTTP = "http://127.0.0.1:7380"
CONTROL_PLANE = "unix:.cluster/c1/control_plane.sock"

# collection, file of iso-codes, field that becomes _id
TABLES = [
    ("countries", "iso_3166-1.json", "alpha_2"),
    ("subdivisions", "iso_3166-2.json", "code"),
    ("languages", "iso_639-3.json", "alpha_3"),
    ("currencies", "iso_4217.json", "alpha_3"),
]


class Failed(Exception):
    """A step that did not hold."""


def aerodb(*arguments, cwd=ROOT, accept=(0,), capture=True):
    """Runs `aerodb`; answers the finished process. An exit code that is not accepted is a Failed."""
    command = [str(BIN / "aerodb"), *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, text=True, capture_output=capture)
    if done.returncode not in accept:
        raise Failed(f"aerodb {' '.join(map(str, arguments))}: exit {done.returncode}\n{done.stdout or ''}{done.stderr or ''}")
    return done


def aerodb_json(*arguments, cwd=ROOT, accept=(0,)):
    return json.loads(aerodb(*arguments, "-o", "json", cwd=cwd, accept=accept).stdout)


def status(node, cwd=ROOT):
    """A node's status, or None where it does not answer."""
    done = aerodb("status", "--node", NODES[node], "-o", "json", cwd=cwd, accept=range(256))
    return json.loads(done.stdout) if done.returncode == 0 else None


def wait_until(condition, what, seconds=60):
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            raise Failed(f"never came: {what}")
        time.sleep(0.05)
    return value


def wait_ready(node, cwd=ROOT):
    return wait_until(lambda: (s := status(node, cwd)) and s["state"] == "READY" and s, f"{node} READY")


def wait_applied(node, lsn, cwd=ROOT):
    return wait_until(lambda: (s := status(node, cwd)) and s["applied_lsn"] >= lsn and s, f"{node} has applied LSN {lsn}")


def import_tables(node, cwd=ROOT, capture=True):
    """Registers the four schemas and imports the four tables; answers how many documents the node then has."""
    for collection, file, id_field in TABLES:
        aerodb("schema", "register", EXAMPLES / f"{collection}.schema.json", "--node", NODES[node], cwd=cwd)
        aerodb("import", collection, ISO / file, "--id-field", id_field, "--node", NODES[node], cwd=cwd, capture=capture)
    metrics = {m["name"]: m["value"] for m in aerodb_json("stats", "--node", NODES[node], cwd=cwd)["metrics"]}
    return metrics["documents_live_count"]


def end_with_parent():
    """Sends this process SIGTERM once the one that started it is gone or was interrupted.

    A SIGINT that reaches make alone is not passed on: make gives up its handler and waits for its children. That its
    handler is gone is how it is seen here.
    """
    parent = os.getppid()

    def catches_interrupts():
        try:
            status = pathlib.Path(f"/proc/{parent}/status").read_text()
        except OSError:
            return False
        caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
        return bool(int(caught.split()[1], 16) >> (signal.SIGINT - 1) & 1)

    interruptible = catches_interrupts()

    def watch():
        while os.getppid() == parent and (not interruptible or catches_interrupts()):
            time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()
