"""What the tests of the control plane share: a cluster with a desk before it, asked by a client of its own."""
import contextlib
import json
import os

from harness import ClusterTest, wait_until
from rpc import Client

COMMAND = ["requested", "explained", "confirmed", "dispatched", "answered"]


@contextlib.contextmanager
def wrapped_in(cluster, words):
    """Processes of `cluster` that are started meanwhile are started by this command."""
    cluster.wrapped = lambda name, argv: [*words, *argv]
    try:
        yield
    finally:
        del cluster.wrapped


def with_environment(cluster, environment):
    """Processes of `cluster` that are started meanwhile see these variables too."""
    return wrapped_in(cluster, ["env", *(f"{key}={value}" for key, value in environment.items())])


class DeskTest(ClusterTest):
    def setUp(self):
        super().setUp()
        self.cluster.write_controlplane()
        self.start_desk()

    def start_desk(self):
        self.cluster.start_role("c1", "aerodb-controlplane", "c1.toml")
        wait_until(lambda: (self.cluster.dir / "c1.sock").exists(), "the control plane's socket")

    def kill_desk(self):
        self.cluster.kill("c1")
        (self.cluster.dir / "c1.sock").unlink()

    def desk(self):
        client = Client("unix:" + os.path.relpath(self.cluster.dir / "c1.sock"))
        self.addCleanup(client.close)
        return client

    def explain(self, command="demote", node="p1", successor="r1", reason="test"):
        return self.desk().call("command.explain", command=command, node=node, successor=successor, decline=None, reason=reason)

    def confirm(self, challenge, phrase):
        return self.desk().call("command.confirm", challenge=challenge, phrase=phrase, interactive=False)

    def outcome(self, node, request_id):
        return self.desk().call("command.outcome", node=node, request_id=request_id)["outcome"]

    def audit(self):
        """Every record, as the file has it."""
        records = self.desk().call("audit.read", after_number=0, limit=1000)["records"]
        return [json.loads(record["line"]) for record in records]

    def stages(self):
        return [record["stage"] for record in self.audit()]

    def switch_over(self):
        done = self.confirm(self.explain()["challenge"], "demote p1")
        self.assertEqual(done["outcome"], "answered", done)
        self.cluster.wait_applied("r1", done["answer"]["seal_lsn"])
        done = self.confirm(self.explain("promote", "r1", None)["challenge"], "promote r1")
        self.assertEqual(done["outcome"], "answered", done)
        self.assertEqual(self.cluster.status("r1")["role"], "primary")
        return done
