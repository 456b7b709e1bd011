"""Real processes on loopback ports and in a directory of their own. Everything started is ended by process id."""
import functools
import itertools
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import console_json
from rpc import Client, ConnectionLost, RpcError

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("AERODB_BIN", ROOT / "build/release/bin"))
READY_SECONDS = 60  # only bounds a hang; nothing is measured


PORTS_IN_BLOCK = 1000
PORT_BLOCKS = range(12_000, 32_000, PORTS_IN_BLOCK)  # below those that the kernel gives to outgoing connections


@functools.cache
def port_block():
    """Ports that belong to this process as long as it lives, since it holds the first of them: tests run side by side."""
    for first in PORT_BLOCKS:
        holder = socket.socket()
        try:
            holder.bind(("127.0.0.1", first))
        except OSError:
            holder.close()
            continue
        return holder, itertools.cycle(range(first + 1, first + PORTS_IN_BLOCK))
    raise AssertionError("every block of ports is taken")


def free_port():
    """A port that nobody listens on, another one each time."""
    for port in itertools.islice(port_block()[1], PORTS_IN_BLOCK):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("every port of this process is taken")


def request(number, reason="test"):
    """Who asks for a change of authority and why."""
    return {"request_id": f"{number:032x}", "operator_name": "tester", "reason": reason, "audit_head": None}


def wait_until(condition, what, seconds=READY_SECONDS):
    """Waits for a condition that must come; fails by name if it never does."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"never came: {what}")
        time.sleep(0.02)


class Process:
    """One role process. Its standard input is a pipe of ours, so it ends if this test dies."""

    def __init__(self, name, argv, cwd):
        self.name = name
        self.log = open(cwd / f"{name}.log", "ab")
        self.popen = subprocess.Popen([str(a) for a in argv], cwd=cwd, stdin=subprocess.PIPE, stdout=self.log, stderr=self.log)

    def kill(self):
        self.popen.send_signal(signal.SIGKILL)
        self.wait()

    def terminate(self):
        self.popen.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self, seconds=READY_SECONDS):
        code = self.popen.wait(seconds)
        self.close_files()
        return code

    def close_files(self):
        if self.popen.stdin:
            self.popen.stdin.close()
        self.log.close()

    def running(self):
        return self.popen.poll() is None


class Cluster:
    """A cluster of p1, replicas and a shipper, by configuration files like those of configs/local."""

    bin = BIN

    def host(self, name):
        """Where a process lives."""
        return "127.0.0.1"

    def wrapped(self, name, argv):
        """The command line that starts a process there."""
        return argv

    def __init__(self, replicas=2, **node_options):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="aerodb-"))
        self.names = ["p1"] + [f"r{i + 1}" for i in range(replicas)]
        self.ports = {n: (free_port(), free_port()) for n in self.names}
        self.shipper_port = free_port()
        self.inspect_port = None  # of a control plane, once its configuration is written
        self.processes = {}
        self.node_options = node_options
        for name in self.names:
            self.write_node(name)
        self.write_shipper("s1-from-p1", "p1")
        self.init()

    # --- configuration

    def allow_remote(self, name):
        return "" if self.host(name) == "127.0.0.1" else "allow_remote = true"

    def replication_address(self, name):
        return f"{self.host(name)}:{self.ports[name][1]}"

    def write(self, file, text):
        path = self.dir / file
        path.write_text(text)
        return path

    def write_node(self, name, file=None, data_dir=None):
        client, replication = self.ports[name]
        options = {"segments": 4, "segment_bytes": 16 << 20, **self.node_options}
        return self.write(file or f"{name}.toml", f"""
[node]
name = "{name}"
data_dir = "{data_dir or name}"
[listen]
client = "{self.host(name)}:{client}"
replication = "{self.host(name)}:{replication}"
{self.allow_remote(name)}
[wal]
segments = {options['segments']}
segment_bytes = {options['segment_bytes']}
[limits]
half_message_ms = 2000
""")

    def write_shipper(self, name, source, targets=None, port=None):
        targets = targets if targets is not None else [n for n in self.names if n != source]
        text = f"""
[shipper]
name = "{name}"
reconnect_ms = 50
[listen]
shipper = "{self.host(name)}:{port or self.shipper_port}"
{self.allow_remote(name)}
[source]
name = "{source}"
address = "{self.replication_address(source)}"
[fetch]
wait_ms = 200
"""
        for target in targets:
            text += f'[[target]]\nname = "{target}"\naddress = "{self.replication_address(target)}"\n'
        return self.write(f"{name}.toml", text)

    def write_explainer(self):
        self.http_port, self.explainer_port = free_port(), free_port()
        text = f"""
[explainer]
name = "e1"
[listen]
explainer = "127.0.0.1:{self.explainer_port}"
http = "127.0.0.1:{self.http_port}"
"""
        for name in self.names:
            text += f'[[node]]\nname = "{name}"\naddress = "127.0.0.1:{self.ports[name][0]}"\n'
        text += f'[[shipper]]\nname = "s1"\naddress = "127.0.0.1:{self.shipper_port}"\n'
        if self.inspect_port:
            text += f'[control_plane]\naddress = "127.0.0.1:{self.inspect_port}"\n'
        return self.write("e1.toml", text)

    def write_controlplane(self):
        self.inspect_port = free_port()
        text = f"""
[controlplane]
name = "c1"
audit_dir = "audit"
[listen]
control_plane = "unix:c1.sock"
inspect = "127.0.0.1:{self.inspect_port}"
"""
        for name in self.names:
            text += f'[[node]]\nname = "{name}"\naddress = "127.0.0.1:{self.ports[name][0]}"\ncontrol = "unix:{name}/control.sock"\n'
        return self.write("c1.toml", text)

    # --- the command line

    def aerodb(self, *arguments, check=True, input=None):
        """Runs `aerodb`; answers the finished process with text output."""
        done = subprocess.run([str(self.bin / "aerodb"), *map(str, arguments)], cwd=self.dir, capture_output=True, text=True, input=input,
                              stdin=None if input is not None else subprocess.DEVNULL, timeout=READY_SECONDS)
        if check and done.returncode != 0:
            raise AssertionError(f"aerodb {' '.join(map(str, arguments))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        console_json.check(arguments, done.stdout)
        return done

    def init(self):
        made = json.loads(self.aerodb("init", "--config", "p1.toml", "--role", "primary", "-o", "json").stdout)
        self.cluster_id = made["cluster"]
        for name in self.names[1:]:
            self.aerodb("init", "--config", f"{name}.toml", "--role", "replica", "--cluster-id", self.cluster_id)

    # --- processes

    def start(self, name, binary=None, config=None, ready=True):
        binary = binary or ("aerodb-primary" if name == "p1" else "aerodb-replica")
        process = Process(name, self.wrapped(name, [self.bin / binary, "--config", config or f"{name}.toml", "--exit-with-stdin"]), self.dir)
        self.processes[name] = process
        if ready:
            self.wait_ready(name)
        return process

    def start_repair(self, name, binary="aerodb-replica"):
        """A node whose directory can't be opened, for repairs alone."""
        argv = self.wrapped(name, [self.bin / binary, "--config", f"{name}.toml", "--repair", "--exit-with-stdin"])
        self.processes[name] = Process(name, argv, self.dir)
        self.wait_ready(name)
        return self.processes[name]

    def start_role(self, name, binary, config):
        process = Process(name, self.wrapped(name, [self.bin / binary, "--config", config, "--exit-with-stdin"]), self.dir)
        self.processes[name] = process
        return process

    def start_shipper(self, name="s1-from-p1", port=None):
        process = self.start_role(name, "aerodb-shipper", f"{name}.toml")
        self.wait_listening(name, port or self.shipper_port)
        return process

    def wait_listening(self, name, port):
        def listening():
            if not self.processes[name].running():
                raise AssertionError(f"{name} ended:\n{self.log(name)}")
            try:
                socket.create_connection((self.host(name), port), 1).close()
                return True
            except OSError:
                return False
        wait_until(listening, f"{name} listening")

    def start_all(self):
        for name in self.names:
            self.start(name)
        self.start_shipper()

    def wait_ready(self, name):
        def ready():
            process = self.processes[name]
            if not process.running():
                raise AssertionError(f"{name} ended with {process.popen.returncode}:\n{self.log(name)}")
            try:
                with self.client(name) as client:
                    return client.call("status")["state"] in ("READY", "HALTED")
            except (OSError, ConnectionLost):
                return False
        wait_until(ready, f"{name} READY")

    def run_to_end(self, name, binary, config):
        """Starts a process that is expected to end by itself; answers (exit code, what it printed)."""
        done = subprocess.run([str(self.bin / binary), "--config", config], cwd=self.dir, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              timeout=READY_SECONDS)
        return done.returncode, done.stdout + done.stderr

    def kill(self, name):
        self.processes.pop(name).kill()

    def stop(self, name):
        return self.processes.pop(name).terminate()

    def log(self, name):
        return (self.dir / f"{name}.log").read_text(errors="replace")[-4000:]

    # --- talking

    def client(self, name):
        return Client(f"{self.host(name)}:{self.ports[name][0]}")

    def replication(self, name):
        return Client(self.replication_address(name))

    def control(self, name):
        return Client(f"unix:{os.path.relpath(self.dir / name / 'control.sock')}")

    def status(self, name):
        with self.client(name) as client:
            return client.call("status")

    def wait_applied(self, name, lsn):
        wait_until(lambda: self.status(name)["applied_lsn"] >= lsn, f"{name} applied LSN {lsn}")

    def wait_in_step(self, source="p1"):
        lsn = self.status(source)["durable_lsn"]
        for name in self.names:
            if name != source:
                self.wait_applied(name, lsn)

    def close(self):
        for process in list(self.processes.values()):
            if process.running():
                process.popen.kill()
            process.popen.wait()
            process.close_files()
        shutil.rmtree(self.dir, ignore_errors=True)


SCHEMA = {
    "collection": "notes", "version": 1,
    "fields": [
        {"name": "_id", "type": "string", "required": True},
        {"name": "author", "type": "string", "indexed": True},
        {"name": "rank", "type": "int", "indexed": True},
        {"name": "text", "type": "string"},
    ],
}


class ClusterTest(unittest.TestCase):
    """A test class with a running cluster and the schema `notes`."""

    replicas = 2
    shipper = True

    def make_cluster(self):
        return Cluster(replicas=self.replicas)

    def setUp(self):
        self.cluster = self.make_cluster()
        self.addCleanup(self.cluster.close)
        for name in self.cluster.names:
            self.cluster.start(name)
        if self.shipper:
            self.cluster.start_shipper()
        with self.cluster.client("p1") as client:
            client.call("schema.register", schema=SCHEMA)

    def insert(self, client, number, **fields):
        return client.call("doc.insert", collection="notes", schema_version=1, document={"_id": f"n{number}", "rank": number, **fields})

    def fill(self, first, last):
        with self.cluster.client("p1") as client:
            for number in range(first, last):
                self.insert(client, number, author=f"a{number % 5}")

    def get(self, client, number, **params):
        return client.call("doc.get", collection="notes", id=f"n{number}", schema_version=1, **params)

    def refused(self, code, function, *arguments, **params):
        with self.assertRaises(RpcError) as caught:
            function(*arguments, **params)
        self.assertEqual(caught.exception.code, code, caught.exception)
        return caught.exception


class OneNodeTest(ClusterTest):
    """The same with p1 alone."""

    replicas = 0
    shipper = False


def is_built(program):
    """Whether the build has that program: one may be left out."""
    return (BIN / program).exists()


def only_with(program):
    """What a module takes as its `load_tests`: its tests where the build has that program, none where it was left out."""
    return lambda loader, tests, pattern: tests if is_built(program) else unittest.TestSuite()


def lines(done):
    """What a finished verb printed as JSON lines."""
    return [json.loads(line) for line in done.stdout.splitlines()]
