#!/usr/bin/env python3
"""`make demo`: a cluster's life as a story, unattended. Fails loudly where one step does not hold; leaves no process.

Runs in .cluster/demo, afresh each time. Every role's standard input is a pipe of this script, so that all of them end when
it does, by whatever signal.
"""
import fcntl
import json
import shutil
import signal
import socket
import subprocess
import sys

from launch import (BIN, CONFIGS, CONTROL_PLANE, EXPLAINER, NODES, ROOT, Failed, aerodb, aerodb_json, end_with_parent, import_tables, status,
                    wait_applied, wait_ready, wait_until)

WORK = ROOT / ".cluster/demo"
PORTS = [7301, 7302, 7303, 7304, 7305, 7306, 7310, 7320, 7330, 7341, 7343, 7345, 7380]


class Demo:
    def __init__(self):
        self.roles = {}

    # --- processes

    def start(self, name, binary, config=None):
        log = open(WORK / f"{name}.log", "ab")
        command = [str(BIN / binary), "--config", str(config or CONFIGS / f"{name}.toml"), "--exit-with-stdin"]
        self.roles[name] = subprocess.Popen(command, cwd=WORK, stdin=subprocess.PIPE, stdout=log, stderr=log)
        log.close()

    def end(self, name, by):
        role = self.roles.pop(name)
        role.send_signal(by)
        code = role.wait(20)
        role.stdin.close()
        return code

    def end_all(self):
        for name in list(self.roles):
            if self.roles[name].poll() is None:
                self.roles[name].terminate()
        for name, role in list(self.roles.items()):
            try:
                role.wait(10)
            except subprocess.TimeoutExpired:
                role.kill()
                role.wait()
            role.stdin.close()
        self.roles.clear()

    def aerodb(self, *arguments, **options):
        return aerodb(*arguments, cwd=WORK, **options)

    def json(self, *arguments, **options):
        return aerodb_json(*arguments, cwd=WORK, **options)

    # --- the story

    def run(self):
        self.begin()
        self.same_answers()
        self.explained_read()
        self.kill_replica()
        self.kill_primary()
        self.switchover()
        self.audit()

    def begin(self):
        say("Three empty directories become a cluster")
        primary = self.json("init", "--config", CONFIGS / "p1.toml", "--role", "primary")
        for name in ("r1", "r2"):
            self.json("init", "--config", CONFIGS / f"{name}.toml", "--role", "replica", "--cluster-id", primary["cluster"])
        tell(f"cluster {primary['cluster']}")
        self.start("p1", "aerodb-primary")
        self.start("r1", "aerodb-replica")
        self.start("r2", "aerodb-replica")
        for name in NODES:
            wait_ready(name, WORK)
        self.start("s1-from-p1", "aerodb-shipper")
        self.start("e1", "aerodb-explainer")
        self.start("c1", "aerodb-controlplane")
        say("The ISO tables are imported into the primary and shipped")
        documents = import_tables("p1", WORK)
        position = status("p1", WORK)
        for name in ("r1", "r2"):
            wait_applied(name, position["durable_lsn"], WORK)
        tell(f"{documents} documents, commit {position['commit_id']}, LSN {position['durable_lsn']}, digest {position['digest']}")

    def same_answers(self):
        say("The same query on all three nodes at one commit")
        commit = status("p1", WORK)["commit_id"]
        answers = {}
        for name, address in NODES.items():
            answer = self.json("query", "subdivisions", "--where", "type=Canton", "--limit", "100", "--at-commit", commit, "--node", address)
            answers[name] = json.dumps(answer["data"])
        check(len(set(answers.values())) == 1, "the three nodes answered different bytes")
        check(len(json.loads(answers["p1"])["versions"]) > 10, "the query found too little")
        tell(f"{len(json.loads(answers['p1'])['versions'])} cantons, the same {len(answers['p1'])} bytes three times")

    def explained_read(self):
        say("Why does replica r2 see this version?")
        answer = self.json("explain", "read", "countries", "IS", "--node", "r2", "--explainer", EXPLAINER)
        check(answer["rules_follow"] == "true", f"the rules do not follow: {answer['rules_follow_why']}")
        check(answer["evidence_agrees"] == "true", f"the evidence does not agree: {answer['evidence_why']}")
        for rule in answer["explanation"]["rules_applied"]:
            tell(f"{rule['rule_id']:8} {str(rule['evaluation']).lower():6} {rule['description'].split(': ', 1)[1]}")
        tell(f"conclusion {json.dumps(answer['explanation']['conclusion'])}; evidence checked against: {answer['evidence_checked']}")

    def kill_replica(self):
        say("kill -9 of replica r1, a write meanwhile, restart")
        self.end("r1", signal.SIGKILL)
        written = self.json("update", "countries", '{"_id":"IS","alpha_2":"IS","alpha_3":"ISL","flag":"🇮🇸","name":"Iceland","numeric":"352",'
                            '"official_name":"Republic of Iceland"}', "--node", NODES["p1"])
        self.start("r1", "aerodb-replica")
        wait_ready("r1", WORK)
        caught_up = wait_applied("r1", written["receipt"]["lsn"], WORK)
        self.show_recovery("r1")
        tell(f"r1 has caught up to LSN {caught_up['applied_lsn']}")

    def kill_primary(self):
        say("kill -9 of the primary, restart")
        before = status("p1", WORK)
        self.end("p1", signal.SIGKILL)
        self.start("p1", "aerodb-primary")
        after = wait_ready("p1", WORK)
        check(after["durable_lsn"] == before["durable_lsn"], "the primary came back at another position")
        check(after["digest"] == before["digest"], "the primary came back with another state")
        self.show_recovery("p1")

    def show_recovery(self, name):
        events = self.json("events", "--node", NODES[name])["events"]
        last_start = max(i for i, event in enumerate(events) if event["name"] == "recovery_started")
        for event in events[last_start:]:
            if event["name"] in ("tail_decision", "last_frame_rewritten", "records_replayed", "recovery_finished"):
                tell(f"{name}: {event['name']}  {'  '.join(event['fields'])}")

    def command(self, *words):
        """A control command in its two calls: explanation and challenge, then the confirmation."""
        asked = self.json(*words, "--control-plane", CONTROL_PLANE, "--reason", "demo: planned switchover", accept=(82,))
        tell(f"{' '.join(words)}: the node says \"{asked['explanation']['conclusion']['status']}\"")
        done = self.json("confirm", asked["challenge"], "--phrase", f"{words[0]} {words[1]}", "--control-plane", CONTROL_PLANE)
        check(done["outcome"] == "answered", f"{' '.join(words)}: {done}")
        return done["answer"]

    def switchover(self):
        say("A planned switchover: demote p1, promote r1")
        early = self.json("promote", "r1", "--control-plane", CONTROL_PLANE, "--reason", "demo: too early", accept=(82,))
        check(early["explanation"]["conclusion"]["status"] == "undetermined", "a promotion without a seal was not undetermined")
        tell("before the seal, promoting r1 is undetermined: its log does not end with a seal")
        seal = self.command("demote", "p1", "--to", "r1")
        wait_applied("r1", seal["seal_lsn"], WORK)
        promoted = self.command("promote", "r1")
        tell(f"r1 is primary of epoch {promoted['epoch']} since LSN {promoted['epoch_start_lsn']}")
        say("The shipper is changed by hand; the old primary follows as a replica")
        self.end("s1-from-p1", signal.SIGTERM)
        check(self.end("p1", signal.SIGTERM) == 0, "p1 did not stop in good order")
        self.start("p1", "aerodb-replica")
        wait_ready("p1", WORK)
        self.start("s1-from-r1", "aerodb-shipper", CONFIGS / "after-switchover/s1-from-r1.toml")
        written = self.json("insert", "currencies", '{"_id":"XDM","alpha_3":"XDM","name":"Demonstration","numeric":"000"}', "--node", NODES["r1"])
        for name in ("p1", "r2"):
            wait_applied(name, written["receipt"]["lsn"], WORK)
        refused = self.aerodb("delete", "currencies", "XDM", "--node", NODES["p1"], accept=(80,))
        check("NOT_PRIMARY" in refused.stderr, "the old primary did not name its refusal")
        positions = {name: status(name, WORK) for name in NODES}
        check(len({p["digest"] for p in positions.values()}) == 1, "the digests differ")
        check(len({p["chain"] for p in positions.values()}) == 1, "the chains differ")
        tell(f"a write on r1 has reached p1 and r2; all three are at LSN {positions['r1']['applied_lsn']} with digest {positions['r1']['digest']}")

    def audit(self):
        say("The audit log")
        records = self.json("audit", "--control-plane", CONTROL_PLANE)["records"]
        for record in records:
            line = json.loads(record["line"])
            tell(f"{record['number']:3} {record['stage']:10} {line.get('command') or '':8} {line.get('node') or ''}")
        verified = self.json("audit", "verify", "--control-plane", CONTROL_PLANE)
        check(verified["whole"], f"the audit log does not verify: {verified}")
        tell(f"{verified['records']} records, chain whole, head {verified['head']}")


def say(text):
    print(f"\n== {text}", flush=True)


def tell(text):
    print(f"   {text}", flush=True)


def check(holds, text):
    if not holds:
        raise Failed(text)


def ports_free():
    for port in PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True


def main():
    (ROOT / ".cluster").mkdir(exist_ok=True)
    lock = open(ROOT / ".cluster/demo.lock", "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        print("demo: another one is running here", file=sys.stderr)
        return 75
    demo = Demo()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    end_with_parent()
    try:
        wait_until(ports_free, "the ports of configs/local free (is `make cluster` running?)", 15)
        shutil.rmtree(WORK, ignore_errors=True)
        WORK.mkdir(parents=True)
        demo.run()
    except Failed as failed:
        print(f"\ndemo: FAILED: {failed}\n(logs of the roles: {WORK}/*.log)", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        demo.end_all()
    say("Done: every step held, no process is left")
    return 0


if __name__ == "__main__":
    sys.exit(main())
