"""What it costs a primary that an explainer is asked about it without a pause."""
import contextlib
import http.client
import threading

import passivity_test
from replication import cluster, write_rate


@contextlib.contextmanager
def hammered(made):
    """Asks for every route in turn; afterwards the list holds the number of answers."""
    made.write_explainer()
    made.start_role("e1", "aerodb-explainer", "e1.toml")
    made.wait_listening("e1", made.http_port)
    ended, answers = threading.Event(), []

    def ask():
        connection = http.client.HTTPConnection("127.0.0.1", made.http_port, timeout=60)
        while not ended.is_set():
            for target in passivity_test.explainer_targets():
                connection.request("GET", target)
                connection.getresponse().read()
                answers.append(target)
        connection.close()

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield answers
    finally:
        ended.set()
        asking.join()
        made.stop("e1")


def measure(bench):
    """The primary alone, then with an explainer that is asked all the time, in turns."""
    bench.report.heading("a primary whose explainer is asked")
    alone, observed, answers = [], [], 0
    with cluster(0) as made:
        for _ in range(bench.arguments.rounds):
            alone.append(write_rate(bench, made))
            with hammered(made) as given:
                observed.append(write_rate(bench, made))
            answers += len(given)
    alone, observed = [sorted(results, key=lambda r: r["per_second"])[len(results) // 2] for results in (alone, observed)]
    bench.report.note("observation", answers=answers)
    bench.report.row("write, 64 connections, observed", observed, "alone", alone)
