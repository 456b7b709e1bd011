"""One node that is to be killed, in a directory of its own: what it acknowledged, and what a restart shows."""
import json
import os
import pathlib
import shutil
import signal
import subprocess

import harness
from harness import wait_until
from rpc import Client, ConnectionLost, RpcError

PRIMARY, REPLICA = "aerodb-primary", "aerodb-replica"
FILLED = {f"n{number}": number for number in range(20)}  # documents that most directories begin with
CHECK_BIN = pathlib.Path(os.environ.get("AERODB_CHECK_BIN", harness.ROOT / "build/check/bin"))


def position_of(status):
    return status["durable_lsn"], status["chain"], status["digest"]


def text_of(rank):
    return "x" * (rank % 500)


def copy_directory(source, target):
    """What is zero becomes holes: a ring costs nothing until it is written. Sockets stay behind."""
    subprocess.run(["cp", "-R", "--sparse=always", str(source), str(target)], check=True)
    for path in target.rglob("*.sock"):
        path.unlink()


class Victim:
    """One node in a directory of its own, listening on Unix sockets only; what it acknowledged, and what it may have done."""

    def __init__(self, directory, template, name, binary):
        self.dir, self.name, self.binary = directory, name, binary
        directory.mkdir()
        if template is not None:
            copy_directory(template, directory / name)
        self.configure()
        self.process = None
        self.documents = {}  # id -> rank, as acknowledged; None: deleted
        self.unanswered = {}  # id -> rank that it may have instead
        self.promises = []  # what an answer makes true for ever: text, predicate of status and client
        self.command_environment = {}
        self.command_killed = False

    def configure(self, segments=4):
        (self.dir / "node.toml").write_text(f"""
[node]
name = "{self.name}"
data_dir = "{self.name}"
[listen]
client = "unix:client.sock"
replication = "unix:replication.sock"
[wal]
segments = {segments}
segment_bytes = {16 << 20}
[events]
max_bytes = {1 << 20}
""")

    # --- processes

    def start(self, environment=None):
        """Starts the node and waits until it has started; ConnectionLost where it ended before."""
        (self.dir / "client.sock").unlink(missing_ok=True)
        last_event = self.last_event()
        with open(self.dir / "node.log", "ab") as log:
            self.process = subprocess.Popen([str(CHECK_BIN / self.binary), "--config", "node.toml", "--exit-with-stdin"], cwd=self.dir,
                                            stdin=subprocess.PIPE, stdout=log, stderr=log, env={**os.environ, **(environment or {})})
        wait_until(lambda: self.has_started(last_event), "the start")

    def last_event(self):
        """Number of the last event on disk that is whole."""
        for name in ("events.jsonl", "events.1.jsonl"):
            path = self.dir / self.name / name
            for line in reversed(path.read_bytes().splitlines() if path.exists() else []):
                try:
                    return json.loads(line)["number"]
                except ValueError:
                    continue
        return 0

    def has_started(self, last_event):
        if self.process.poll() is not None:
            raise ConnectionLost("the node ended")
        if not (self.dir / "client.sock").exists():
            return False
        try:
            with self.client() as client:
                events = client.call("observe.events", after_number=last_event, limit=1000)["events"]
                return any(event["name"] == "start" for event in events)
        except OSError:
            return False

    def end(self, signal_number=signal.SIGKILL):
        """Ends the process and answers its exit code; None where there is none."""
        if self.process is None:
            return None
        self.process.send_signal(signal_number)
        return self.ended()

    def ended(self):
        """Waits for the process to end by itself, and answers its exit code."""
        code = self.process.wait(harness.READY_SECONDS)
        self.process.stdin.close()
        self.process = None
        return code

    def command(self, *arguments):
        """Runs `aerodb`, which may be the one to be killed; ConnectionLost where it was."""
        done = subprocess.run([str(CHECK_BIN / "aerodb"), *map(str, arguments)], cwd=self.dir, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=harness.READY_SECONDS, env={**os.environ, **self.command_environment})
        if done.returncode == -signal.SIGKILL:
            self.command_killed = True
            raise ConnectionLost("the command was killed")
        if done.returncode != 0 and self.process is not None and self.process.poll() is not None:
            raise ConnectionLost("the node that the command speaks to ended")
        if done.returncode != 0:
            raise AssertionError(f"aerodb {' '.join(map(str, arguments))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    # --- talking

    def client(self, listener="client.sock"):
        return Client(f"unix:{self.dir / listener}")

    def control(self, method, **params):
        with self.client(f"{self.name}/control.sock") as client:
            return client.call(method, **params)

    def operation(self, method, **params):
        """Begins a storage operation and waits for its end; answers how it ended."""
        with self.client(f"{self.name}/maintenance.sock") as client:
            number = client.call(method, **params)["operation"]
            ended = wait_until(lambda: self.finished(client, number), f"the end of {method}")
        assert ended["stage"] == "done", ended
        self.promise(f"{method} was done up to LSN {ended['lsn']}",
                     lambda status, client, lsn=ended["lsn"]: client.call("observe.storage")["manifest_lsn"] >= lsn)
        return ended

    @staticmethod
    def finished(client, number):
        view = client.call("storage.operation", number=number)
        return view if view["stage"] in ("done", "failed") else None

    def promise(self, text, predicate):
        self.promises.append((text, predicate))

    def write(self, client, name, rank):
        """Inserts, updates or deletes (rank None) one document."""
        self.send_write(client, name, rank)
        client.receive()
        self.answered(name)

    def burst(self, client, ranks):
        """Writes of several documents on their way at once."""
        for name, rank in ranks.items():
            self.send_write(client, name, rank)
        for name in ranks:  # answers come in the order of the requests
            client.receive()
            self.answered(name)

    def send_write(self, client, name, rank):
        self.unanswered[name] = rank
        if rank is None:
            client.send("doc.delete", {"collection": "notes", "id": name})
            return
        method = "doc.insert" if self.documents.get(name) is None else "doc.update"
        document = {"_id": name, "rank": rank, "author": "a", "text": text_of(rank)}
        client.send(method, {"collection": "notes", "schema_version": 1, "document": document})

    def answered(self, name):
        self.documents[name] = self.unanswered.pop(name)

    def repair(self, method, **params):
        """Begins a repair and waits for its end; answers how it ended."""
        with self.client(f"{self.name}/maintenance.sock") as client:
            client.call(method, **params)
            ended = wait_until(lambda: self.repaired(client), f"the end of {method}")
        assert ended["stage"] == "done", ended
        return ended

    @staticmethod
    def repaired(client):
        view = client.call("repair.status")
        return view if view["finished"] else None

    # --- as the kill left it

    def keep_left(self):
        copy_directory(self.dir / self.name, self.dir / "left")

    def back_to_left(self):
        shutil.rmtree(self.dir / self.name)
        (self.dir / "left").rename(self.dir / self.name)

    # --- looking

    def look(self):
        """What a restart shows, all of which the next one must show as well."""
        try:
            self.start()
        except ConnectionLost:
            return {"refused": self.ended()}
        with self.client() as client:
            seen = {"status": client.call("status")}
            if seen["status"]["state"] == "READY" and not seen["status"]["fenced"]:
                seen["schemas"] = client.call("schema.list")["schemas"]
                storage = client.call("observe.storage")
                seen["storage"] = {key: storage[key] for key in ("manifest_number", "manifest_lsn", "manifest_digest", "floor", "runs", "snapshots")}
                seen["documents"] = {name: self.read(client, name) for name in {**self.documents, **self.unanswered}}
            for text, predicate in self.promises:
                assert predicate(seen["status"], client), f"no longer so: {text}; {seen['status']}"
        return seen

    def read(self, client, name):
        try:
            version = client.call("doc.get", collection="notes", id=name, schema_version=1)["data"]["version"]
        except RpcError as error:
            if error.code != "UNKNOWN_COLLECTION":
                raise
            return None
        if version is None or version["document"] is None:
            return None
        document = version["document"]
        assert document["text"] == text_of(document["rank"]), f"{name} is not whole"
        return document["rank"]

    def check(self, seen):
        """Nothing acknowledged is lost, nothing is there that was never asked for."""
        for name, rank in seen.get("documents", {}).items():
            allowed = {self.documents.get(name)} | ({self.unanswered[name]} if name in self.unanswered else set())
            assert rank in allowed, f"{name} has rank {rank}, not one of {allowed}"

    def go_on(self, seen):
        """The node that was looked at takes another write, where its role allows one."""
        if seen.get("schemas") and seen["status"]["role"] == "primary":
            with self.client() as client:
                self.write(client, "afterwards", 1)
                assert self.read(client, "afterwards") == 1
