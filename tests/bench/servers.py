"""The servers that are measured, each a process on a free port with a directory of its own, ended by its process id."""
import contextlib
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

import harness
from rpc import ConnectionLost

SCHEMA = {"collection": "bench", "version": 1,
          "fields": [{"name": "_id", "type": "string", "required": True}, {"name": "group", "type": "int", "indexed": True},
                     {"name": "text", "type": "string"}]}
READY_SECONDS = 120  # only bounds a hang


def wait_ready(process, ready, what):
    """Seconds until `ready()`; asked every few milliseconds."""
    began = time.monotonic()
    while not ready():
        if process.poll() is not None:
            raise SystemExit(f"bench: {what} ended with {process.returncode}")
        if time.monotonic() - began > READY_SECONDS:
            raise SystemExit(f"bench: {what} is not ready after {READY_SECONDS} s")
        time.sleep(0.002)
    return time.monotonic() - began


class Node(harness.Cluster):
    """One primary: schema-checked documents with one indexed field, chain and digest on, as always."""
    protocol = "node"
    title = "AeroDB"

    def __init__(self, ring_bytes):
        segment_bytes = 256 << 20
        super().__init__(replicas=0, segments=max(4, ring_bytes // segment_bytes), segment_bytes=segment_bytes)
        self.address = f"127.0.0.1:{self.ports['p1'][0]}"

    def write_node(self, name, file=None, data_dir=None):
        path = super().write_node(name, file, data_dir)
        with path.open("a") as config:
            config.write("[memory]\nmax_bytes = 17179869184\n")
        return path

    def begin(self):
        """Starts the process; seconds until it serves."""
        process = self.start("p1", ready=False).popen

        def ready():
            try:
                with self.client("p1") as client:
                    return client.call("status")["state"] == "READY"
            except (OSError, ConnectionLost):
                return False
        return wait_ready(process, ready, "aerodb-primary")

    def register(self):
        with self.client("p1") as client:
            client.call("schema.register", schema=SCHEMA)

    def metrics(self):
        with self.client("p1") as client:
            return {m["name"]: m["value"] for m in client.call("observe.stats")["metrics"]}

    def crash(self):
        self.kill("p1")

    def replayed(self):
        return self.metrics()["recovery_records_count"]

    def store(self, operation):
        """Carries out `checkpoint` or `backup`; answers (seconds, bytes it wrote)."""
        before = self.run_bytes()
        began = time.monotonic()
        with self.storing(operation) as done:
            while not done():
                time.sleep(0.002)
        seconds = time.monotonic() - began
        backup = self.dir / "backup.tar"
        return seconds, backup.stat().st_size if operation == "backup" else self.run_bytes() - before

    @contextlib.contextmanager
    def storing(self, operation):
        """The same meanwhile; gives whether it is done. Waits for its end."""
        command = {"checkpoint": ["checkpoint", "--no-merge", "--reason", "bench"],
                   "backup": ["backup", "--output", "backup.tar"]}[operation]
        process = subprocess.Popen([str(harness.BIN / "aerodb"), *command, "--node", "unix:p1/maintenance.sock", "--timeout-ms", "600000"],
                                   cwd=self.dir, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        yield lambda: process.poll() is not None
        if process.wait() != 0:
            raise SystemExit(f"bench: aerodb {operation}: exit {process.returncode}\n{process.stderr.read()}")

    def run_bytes(self):
        return sum(file.stat().st_size for file in (self.dir / "p1" / "runs").glob("*"))


class Redis:
    """redis-server that syncs each command before it answers, beside us. Its log is never rewritten meanwhile."""
    protocol = "redis"
    title = "Redis"

    @staticmethod
    def installed():
        return shutil.which("redis-server")

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="redis-"))
        self.port = harness.free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.process = None

    def begin(self):
        log = open(self.dir / "redis.log", "ab")
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.dir), "--save", "", "--appendonly", "yes",
             "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        return wait_ready(self.process, lambda: self.ask("PING") == "+PONG", "redis-server")

    def register(self):
        pass  # no schema

    def ask(self, command):
        """The first line of the answer; empty where nobody answers."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as stream:
                stream.sendall(command.encode() + b"\r\n")
                return stream.makefile("rb").readline().decode().strip()
        except OSError:
            return ""

    def crash(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def replayed(self):
        return int(self.ask("DBSIZE").lstrip(":"))

    def close(self):
        self.crash()
        shutil.rmtree(self.dir, ignore_errors=True)
