"""What replication costs its source, and how fast replicas are: all processes of a cluster on this one machine."""
import contextlib
import json
import os
import threading
import time

import harness
import servers
from rpc import RpcError

SEGMENT_BYTES = 256 << 20
CONNECTIONS = 64
MANY_TARGETS = 16


class Cluster(harness.Cluster):
    """Primary, replicas and shipper, with room for everything that is written."""
    protocol = "node"
    title = "AeroDB"

    def __init__(self, replicas, ring_bytes):
        super().__init__(replicas=replicas, segments=max(4, ring_bytes // SEGMENT_BYTES), segment_bytes=SEGMENT_BYTES)
        self.address = f"127.0.0.1:{self.ports['p1'][0]}"

    def write_node(self, name, file=None, data_dir=None):
        path = super().write_node(name, file, data_dir)
        with path.open("a") as config:
            config.write("[memory]\nmax_bytes = 17179869184\n")
        return path

    def begin(self):
        self.start("p1")
        with self.client("p1") as client:
            client.call("schema.register", schema=servers.SCHEMA)

    def cpu_seconds(self, name):
        """User and system time of a process so far."""
        fields = (open(f"/proc/{self.processes[name].popen.pid}/stat").read().rpartition(")")[2]).split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def cluster(replicas, ring_bytes=2 << 30):
    made = Cluster(replicas, ring_bytes)
    try:
        made.begin()
        yield made
    finally:
        made.close()


def write_rate(bench, made):
    """One load on the primary; its own processor time for each write is put in."""
    before = made.cpu_seconds("p1")
    began = made.status("p1")["durable_lsn"]
    measured = bench.load("write", made, connections=CONNECTIONS, document_bytes=200)
    written = made.status("p1")["durable_lsn"] - began
    return {**measured, "cpu_us_per_write": (made.cpu_seconds("p1") - before) / written * 1e6}


def measure_cost(bench):
    """The primary alone, then with a shipper and two replicas, in turns."""
    bench.report.heading("a primary with a shipper and two replicas")
    with cluster(2) as made:
        alone, fed = [], []
        for _ in range(bench.arguments.rounds):
            alone.append(write_rate(bench, made))
            for name in made.names[1:]:
                made.start(name)
            made.start_shipper()
            made.wait_in_step()
            fed.append(write_rate(bench, made))
            for name in ("s1-from-p1", *made.names[1:]):
                made.stop(name)
    alone, fed = [sorted(results, key=lambda r: r["per_second"])[len(results) // 2] for results in (alone, fed)]
    bench.report.row("write, 64 connections", fed, "alone", alone, 0.75)
    bench.report.figure("its processor time for a write, to that alone", fed["cpu_us_per_write"] / alone["cpu_us_per_write"], "", 1.1)


def measure_catching_up(bench):
    """A replica with an empty log takes everything there is."""
    bench.report.heading("a replica that catches up")
    taken = []
    with cluster(1, 4 << 30) as made:
        bench.load("write", made, connections=CONNECTIONS, depth=256, seconds=60, requests=bench.arguments.documents)
        lsn = made.status("p1")["durable_lsn"]
        made.start("r1")
        with made.client("r1") as replica:
            began = time.monotonic()
            made.start_role("s1-from-p1", "aerodb-shipper", "s1-from-p1.toml")
            while replica.call("status")["applied_lsn"] < lsn:
                time.sleep(0.002)
            seconds = time.monotonic() - began
        taken.append({"operation": "catch_up", "per_second": lsn / seconds, "seconds": round(seconds, 3)})
    bench.report.row("commits", taken[0], aim=800_000)


def measure_delay(bench):
    """From a write's acknowledgement until a replica answers a read that shows its receipt; beside half of what the primary can take."""
    bench.report.heading("from acknowledged to readable on a replica")
    with cluster(1) as made:
        made.start("r1")
        made.start_shipper()
        most = bench.load("write", made, connections=CONNECTIONS, document_bytes=200)["per_second"]
        made.wait_in_step()
        background = threading.Thread(target=bench.load, args=("write", made),
                                      kwargs={"connections": CONNECTIONS, "rate": int(most / 2), "seconds": 4 * bench.arguments.seconds})
        background.start()
        delays_us = []
        with made.client("p1") as primary, made.client("r1") as replica:
            number = 0
            while background.is_alive():
                number += 1
                receipt = primary.call("doc.insert", collection="bench", schema_version=1,
                                       document={"_id": f"probe-{number}", "group": -1, "text": ""})["receipt"]
                acknowledged = time.monotonic()
                while not readable(replica, number, receipt):
                    pass
                delays_us.append((time.monotonic() - acknowledged) * 1e6)
                time.sleep(0.002)
        background.join()
    delays_us.sort()
    bench.report.note("measurement", operation="delay", half_rate=most / 2, probes=len(delays_us))
    for name, quantile, at_most in (("p50", 0.5, 1), ("p99", 0.99, 5)):
        bench.report.figure(f"{name} of {len(delays_us)} probes", delays_us[int(quantile * (len(delays_us) - 1))] / 1000, " ms", at_most)


def readable(replica, number, receipt):
    try:
        return replica.call("doc.get", collection="bench", id=f"probe-{number}", schema_version=1, receipt=receipt)
    except RpcError as error:
        if error.code != "BEHIND":
            raise
        return None


def measure_many_targets(bench):
    """The source's processor time for the same records, shipped to one target and to many."""
    bench.report.heading("one shipper, many targets")
    costs = []
    for targets in (1, MANY_TARGETS):
        with cluster(targets, 1 << 30) as made:
            for name in made.names[1:]:
                made.start(name)
            made.start_shipper()
            load = dict(connections=CONNECTIONS, document_bytes=200, rate=5_000)
            began, before = made.status("p1")["durable_lsn"], made.cpu_seconds("p1")
            bench.load("write", made, **load)
            made.wait_in_step()
            costs.append((made.cpu_seconds("p1") - before) / (made.status("p1")["durable_lsn"] - began) * 1e6)
    bench.report.note("measurement", operation="many_targets", cpu_us_per_write=costs)
    bench.report.figure(f"its processor time for a write, {MANY_TARGETS} targets to one", costs[1] / costs[0], "", 1.1)


def bootstrap(made, name):
    """Seconds and bytes of one `aerodb bootstrap`."""
    began = time.monotonic()
    done = json.loads(made.aerodb("bootstrap", "--node", f"unix:{name}/maintenance.sock", "--from", f"127.0.0.1:{made.ports['p1'][1]}",
                                  "--reason", "bench", "-o", "json").stdout)
    return time.monotonic() - began, done["total_bytes"]


def measure_bootstrap(bench):
    """A snapshot of everything written, to one replica, then to two at once; beside what disk and loopback give."""
    bench.report.heading("bootstrap by snapshot, MiB")
    with cluster(3, 4 << 30) as made:
        bench.load("write", made, connections=CONNECTIONS, depth=256, seconds=60, requests=bench.arguments.documents)
        made.aerodb("checkpoint", "--node", "unix:p1/maintenance.sock", "--reason", "bench", "--timeout-ms", "600000")
        for name in made.names[1:]:
            made.start(name)
        disk = bench.in_turns(lambda: bench.load("disk", file=made.dir / "disk", requests=256))[0]
        seconds, size = bootstrap(made, "r1")
        one = {"operation": "bootstrap", "seconds": round(seconds, 3), "per_second": size / seconds / (1 << 20)}
        bench.report.row("one target", one, "disk", disk, 0.7)
        taken = {}
        threads = [threading.Thread(target=lambda n=name: taken.update({n: bootstrap(made, n)})) for name in ("r2", "r3")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        slowest = max(seconds for seconds, _ in taken.values())
        bench.report.row("each of two at once", {"operation": "bootstrap", "per_second": size / slowest / (1 << 20)}, "one", one, 0.5)


def measure(bench):
    measure_cost(bench)
    measure_catching_up(bench)
    measure_delay(bench)
    measure_many_targets(bench)
    measure_bootstrap(bench)
