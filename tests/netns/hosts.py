"""A cluster whose processes live on hosts of their own: network namespaces, each with one link to the hub.

The hub is the namespace that the test itself runs in; it forwards between the links. So a test reaches every host, a cut takes
packets and not connections, and what a process notices of it is what it would notice of a cable.
"""
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "process"))

import harness  # noqa: E402


def ip(*arguments, namespace=None):
    command = ["ip", *(["-n", namespace] if namespace else []), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: {done.stderr}")


class Hosts(harness.Cluster):
    """p1, replicas and shippers, one host each. Hosts are 10.77.N.2; the hub is 10.77.N.1 to each."""

    shippers = ("s1", "s2")

    def __init__(self, replicas=2, **node_options):
        self.numbers = {name: i + 1 for i, name in enumerate(["p1", *[f"r{i + 1}" for i in range(replicas)], *self.shippers])}
        self.relays = {}  # (from, to): address that stands for to's replication listener
        pathlib.Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
        ip("link", "set", "lo", "up")
        try:
            for name in self.numbers:
                self.add_host(name)
            super().__init__(replicas=replicas, **node_options)
        except BaseException:
            self.remove_hosts()
            raise

    # --- hosts and links

    def namespace(self, name):
        return f"aerodb-{os.getpid()}-{name}"

    def link(self, name):
        return f"a{os.getpid() % 100000}-{name}"

    def add_host(self, name):
        number, namespace, link = self.numbers[name], self.namespace(name), self.link(name)
        ip("netns", "add", namespace)
        ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", namespace)
        ip("addr", "add", f"10.77.{number}.1/24", "dev", link)
        ip("link", "set", link, "up")
        ip("addr", "add", f"10.77.{number}.2/24", "dev", "eth0", namespace=namespace)
        ip("link", "set", "lo", "up", namespace=namespace)
        ip("link", "set", "eth0", "up", namespace=namespace)
        ip("route", "add", "default", "via", f"10.77.{number}.1", namespace=namespace)

    def remove_hosts(self):
        for name in self.numbers:
            # The link first: with its namespace it would go later, at the kernel's leisure.
            for command in (["ip", "link", "del", self.link(name)], ["ip", "netns", "del", self.namespace(name)]):
                subprocess.run(command, capture_output=True)

    def cut(self, source, target):
        """Nothing from `source` reaches `target` any more; the other way is as it was."""
        ip("route", "add", "blackhole", f"10.77.{self.numbers[target]}.0/24", namespace=self.namespace(source))

    def mend(self, source, target):
        ip("route", "del", "blackhole", f"10.77.{self.numbers[target]}.0/24", namespace=self.namespace(source))

    def cut_both(self, one, other):
        self.cut(one, other)
        self.cut(other, one)

    def mend_both(self, one, other):
        self.mend(one, other)
        self.mend(other, one)

    def relay(self, source, target, delay_ms, jitter_ms):
        """Everything between the two goes through a process in the hub that holds it back; before the configuration is written."""
        port = harness.free_port()
        listen = f"10.77.{self.numbers[source]}.1:{port}"
        argv = [sys.executable, pathlib.Path(__file__).with_name("relay.py"), listen, f"{self.host(target)}:{self.ports[target][1]}",
                str(delay_ms), str(jitter_ms)]
        self.processes[f"relay-{source}-{target}"] = harness.Process(f"relay-{source}-{target}", argv, self.dir)
        self.relays[source, target] = listen

    # --- what the cluster asks

    def host(self, name):
        short = name.split("-")[0]  # a shipper's configuration is named after its source too
        return f"10.77.{self.numbers[short]}.2"

    def wrapped(self, name, argv):
        return ["ip", "netns", "exec", self.namespace(name.split("-")[0]), *argv]

    def close(self):
        super().close()
        self.remove_hosts()
