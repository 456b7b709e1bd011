"""A second implementation of the rules, deliberately simple, from their statements in docs/spec/INVARIANTS.md alone.

Reads explanations (JSON files, or the objects of live answers), evaluates every rule again from the evidence shown, and
says where it comes to another evaluation or another conclusion than the explanation. It shares no code with the kernel.

    second_opinion.py FILE...     exit code 0 where it agrees with all of them
"""
import json
import sys


class Evidence(dict):
    """Every value that an explanation shows, by name, wherever it stands. What is not shown is None."""

    def __init__(self, explanation):
        super().__init__(explanation["inputs"])
        for rule in explanation["rules_applied"]:
            self.update(rule["evidence"])

    def __missing__(self, name):
        return None


def known(*values):
    return all(value is not None for value in values)


# --- mvcc.read_visibility

def candidate(e):
    return next((version for version in e["versions"] if version["commit"] <= e["commit"]), None)


def descends(e):
    pairs = zip(e["versions"], e["versions"][1:])
    return all(newer["commit"] > older["commit"] and newer["prev_commit"] == older["commit"] for newer, older in pairs)


READ = {
    "MVCC-4": lambda e: e["commit"] >= e["floor"],
    "MVCC-5": descends,
    "MVCC-1": lambda e: candidate(e) is not None,
    "MVCC-3": lambda e: candidate(e) is not None and candidate(e)["kind"] == "document",
}


def read_conclusion(e, _):
    if e["commit"] < e["floor"]:
        return {"result": "refused: BELOW_FLOOR"}
    seen = candidate(e)
    if seen is None or seen["kind"] != "document":
        return {"result": "no visible version"}
    return {"visible_version": {"_id": e["_id"], "collection": e["collection"], "commit_id": seen["commit"]}}


# --- replication.safety

def prefix(e):
    if not known(e["source_lsn"], e["source_chain"], e["own_chain_at_source_lsn"]):
        return None
    return e["own_chain_at_source_lsn"] == e["source_chain"]


def receipt_fits(e):
    if e["receipt_lsn"] is None:
        return True
    if not e["lineage_known"] or not e["epoch_known"]:
        return False
    beyond = any(e[last] is not None and e["receipt_lsn"] > e[last] for last in ("lineage_last_lsn", "epoch_last_lsn"))
    other = e["own_chain_at_receipt"] is not None and e["own_chain_at_receipt"] != e["receipt_chain"]
    return not beyond and not other


SAFETY = {
    "REPL-1": prefix,
    "FAIL-2": lambda e: e["state"] != "HALTED",
    "AUTH-3": lambda e: not e["fenced"],
    "REPL-4": lambda e: e["state"] == "READY" and e["log_validated"],
    "REPL-7": receipt_fits,
    "REPL-5": lambda e: e["commit"] <= e["applied_commit"] and (e["receipt_lsn"] is None or e["receipt_lsn"] <= e["applied_lsn"]),
    "MVCC-4": lambda e: e["commit"] >= e["floor"],
}


def safety_conclusion(_, results):
    if any(result is False for result in results):
        return {"status": "not read-safe"}
    return {"status": "undetermined" if None in results else "read-safe"}


# --- control.command

def names_this_node(e):
    return (e["seal_successor"], e["seal_successor_instance"]) == (e["node"], e["instance"]) and e["seal_successor"] is not None


def decline_answers(e):
    seal = (e["seal_lsn"], e["seal_successor"], e["seal_successor_instance"])
    return e["seal_lsn"] is not None and (e["decline_seal_lsn"], e["decline_node"], e["decline_instance"]) == seal


def sealed(e):
    if e["seal_lsn"] is not None:
        return True
    return False if e["role"] == "primary" else None


COMMAND = {
    "demote": {
        "AUTH-7": lambda e: e["state"] == "READY",
        "AUTH-3": lambda e: not e["fenced"],
        "AUTH-9": lambda e: e["role"] == "primary" or (e["role"] == "sealed" and decline_answers(e)),
        "AUTH-10": lambda e: known(e["successor"], e["successor_instance"]) and e["successor_instance"] != e["instance"],
        "AUTH-11": lambda e: e["role"] != "sealed" or decline_answers(e),
    },
    "promote": {
        "AUTH-7": lambda e: e["state"] == "READY",
        "AUTH-8": lambda e: e["log_validated"],
        "AUTH-4": sealed,
        "AUTH-5": names_this_node,
        "AUTH-6": lambda e: not e["declined_here"],
        "AUTH-11": lambda e: e["role"] == "sealed" and decline_answers(e),
    },
    "decline": {
        "AUTH-7": lambda e: e["state"] == "READY",
        "AUTH-8": lambda e: e["log_validated"],
        "AUTH-12": names_this_node,
    },
    "diagnose": {
        "CKPT-8": lambda e: e["state"] == "READY" and e["operation_running"] is None,
    },
}


def command_conclusion(e, results):
    if e["command"] == "promote":
        ready, validated, seal, named, not_declined, own_declined = results
        granted = ready and validated and seal and ((named and not_declined) or own_declined)
        if ready and validated and seal is None:
            return {"status": "undetermined"}
    else:
        granted = all(results)
    concluded = {"status": f"would be {'accepted' if granted else 'rejected'} on this evidence"}
    if e["command"] == "diagnose":
        records = max(e["durable_lsn"] - e["manifest_lsn"], 0)
        concluded["cost"] = {"run_bytes": e["run_bytes"], "log_records": records, "memory_bytes": e["memory_bytes"]}
    return concluded


# --- query.execution

def fit_of(index, sort):
    ends = (index["low"], index["high"])
    if known(*ends) and ends[0] == ends[1] and not index["low_open"] and not index["high_open"]:
        return "equality"
    if known(ends[0]) or known(ends[1]):
        return "range"
    return "sort" if sort == index["path"] else "none"


def row_of(index, sort):
    fit, by_id, sorted_by_it = fit_of(index, sort), index["path"] == "_id", sort == index["path"]
    if by_id and fit == "equality":
        return "P1"
    if not by_id and sorted_by_it:
        return "P2"
    if not by_id and fit == "equality" and sort in (None, "_id"):
        return "P3"
    if by_id and (sorted_by_it or (fit == "range" and sort is None)):
        return "P4"
    return "P5" if not by_id and fit == "range" and sort is None else None


def fields_asked(e):
    return [predicate["field"] for predicate in e["where"]] + ([e["sort"]] if e["sort"] is not None else [])


def planned(e):
    if e["indexed_fields"] is not None:
        paths = [field["path"] for field in e["indexed_fields"]]
        if any(field not in paths for field in fields_asked(e)):
            return False
    if not known(e["indexed_fields"], e["candidates"]):
        return None
    rows = [row_of(index, e["sort"]) for index in e["candidates"]]
    if not any(rows):
        return False
    if e["plan"] is None:
        return None
    row = min(filter(None, rows))
    chosen = e["candidates"][rows.index(row)]
    others = [index["path"] for index in e["candidates"] if index is not chosen and fit_of(index, e["sort"]) != "none"]
    if fit_of(chosen, e["sort"]) == "equality" and chosen["path"] != "_id":
        others = [path for path in others if path != "_id"]
    plan = e["plan"]
    return (plan["row"], plan["index"], plan["limit"], [check["path"] for check in plan["checks"]]) == (row, chosen["path"], e["limit"], others)


def bounded(e):
    if not known(e["plan"], e["bound_entries"], e["limit"]):
        return None
    if e["plan"]["row"] == "P1":
        bound = 1
    elif e["plan"]["checks"]:
        bound = e["max_entries"] if e["max_entries"] is not None else e["default_max_entries"]
    else:
        bound = min(e["limit"] + 1, e["max_entries"] if e["max_entries"] is not None else e["limit"] + 1)
    return bound == e["bound_entries"] == e["plan"]["bound_entries"]


def ran(e):
    return known(e["entries_visited"], e["bound_entries"])


def checked(e):
    counts = [e[name] for name in ("entries_proposed", "dropped_no_document", "dropped_other_value", "entries_visited",
                                   "dropped_by_predicates", "documents_taken", "limit")]
    if not known(*counts):
        return None
    proposed, gone, other, visited, failed, taken, limit = counts
    beyond = e["ended_by"] == "QUERY_BOUND_EXCEEDED"
    refused = e["newer_version"] is not None or e["ended_by"] == "MESSAGE_TOO_LARGE"
    return (proposed == gone + other + visited + beyond and visited == failed + taken + refused and taken <= limit
            and (e["ended_by"] != "limit" or taken == limit))


QUERY = {
    "MVCC-4": lambda e: e["commit"] >= e["floor"],
    "QRY-1": lambda e: e["limit"] is not None and e["limit"] >= 1,
    "QRY-2": planned,
    "QRY-3": bounded,
    "QRY-4": lambda e: e["ended_by"] != "QUERY_BOUND_EXCEEDED" and e["entries_visited"] <= e["bound_entries"] if ran(e) else None,
    "MVCC-7": lambda e: not (e["newer_version"] and e["newer_version"]["schema_version"] > e["schema_version"]) if ran(e) else None,
    "QRY-5": checked,
}


def query_conclusion(e, results):
    above_floor, limited, plan = results[:3]
    for holds, code in ((above_floor, "BELOW_FLOOR"), (limited, "LIMIT_REQUIRED"), (plan is not False or e["plan"] is not None, "QUERY_UNBOUNDED")):
        if not holds:
            return {"status": "refused", "code": code}
    if e["ended_by"] is None:
        return {"status": "undetermined"}
    if e["ended_by"] in ("limit", "range"):
        return {"status": "answered", "code": None}
    refused = e["ended_by"] in ("QUERY_BOUND_EXCEEDED", "SCHEMA_NEWER", "MESSAGE_TOO_LARGE")
    return {"status": "refused" if refused else "incomplete", "code": e["ended_by"]}


# --- runs, as a manifest lists them

def runs_join(runs, next_run, last_commit):
    numbers = [run["number"] for run in runs]
    covered = 0
    for run in runs:
        if run["first_commit"] != covered + 1 or run["last_commit"] < run["first_commit"]:
            return False
        covered = run["last_commit"]
    return covered == last_commit and len(set(numbers)) == len(numbers) and all(0 < number < next_run for number in numbers)


# --- checkpoint.safety

def steps_before(steps, name):
    names = [step["step"] for step in steps]
    return steps[:names.index(name)] if name in names else steps


def installed(e):
    if e["manifest"] == 0:
        return True
    if e["sync_steps"] is None:
        return None
    steps = e["sync_steps"]
    names = [step["step"] for step in steps]
    if "manifest_synced" not in names or "directory_synced" not in names:
        return False
    order = [names.index("manifest_synced")]
    if steps[order[0]]["by"] != "start":
        if "manifest_renamed" not in names:
            return False
        order.append(names.index("manifest_renamed"))
    order.append(names.index("directory_synced"))
    before = steps_before(steps, "manifest_synced")
    durable = max([step["lsn"] or 0 for step in before if step["step"] == "log_durable"], default=0)
    done = [(step["step"], step["run"]) for step in before]
    runs = all(("run_synced", run["number"]) in done and ("runs_directory_synced", run["number"]) in done[done.index(("run_synced", run["number"])):]
               for run in e["runs"])
    return order == sorted(order) and durable >= e["lsn"] and runs


def released(e):
    covered = e["released_sequence"] == 0 or e["released_sequence"] < e["segment_sequence"]
    return covered and (e["durable_lsn"] <= e["lsn"] or 0 < e["first_lsn"] <= e["lsn"] + 1)


def dropped(e):
    documents = sum(run["versions"] - run["tombstones"] for run in e["runs"])
    return (all(run["tombstones"] <= run["versions"] for run in e["runs"]) and e["live_documents"] <= documents
            and all(merge["drop_floor"] <= e["floor"] for merge in e["merges"]))


CHECKPOINT = {
    "CKPT-1": installed,
    "CKPT-2": released,
    "CKPT-3": lambda e: runs_join(e["runs"], e["next_run"], e["commit"]),
    "CKPT-4": dropped,
    "CKPT-5": lambda e: None if e["files"] is None else all(file["checksum_holds"] and file["as_installed"] for file in e["files"]),
    "CKPT-6": lambda e: (e["floor_before"] or 0) <= e["floor"] <= e["commit"],
}


def checkpoint_conclusion(e, results):
    if False in results:
        return {"status": "rejected", "rule": list(CHECKPOINT)[results.index(False)]}
    if e["failed_code"] is not None:
        return {"status": "incomplete"}
    if None in results:
        return {"status": "undetermined"}
    return {"status": "accepted" if e["manifest"] else "no checkpoint"}


# --- recovery.process

# Whose trouble an error is: the rule column of the error table.
ERROR_RULE = {"LOCKED": "REC-7", "WRONG_NODE": "REC-8", "NOT_INITIALIZED": "REC-8", "NEWER_FORMAT": "REC-8", "BAD_NODE_FILE": "REC-8",
              "BAD_RECORD": "REC-4", "WAL_HOLE": "REC-2", "WAL_SEGMENT_MISSING": "REC-2", "WAL_BOUND_LOST": "REC-3",
              "WAL_DISCONTINUITY": "REC-4", "DIGEST_MISMATCH": "REC-6", "RUN_DAMAGED": "CKPT-5", "MANIFEST_DAMAGED": "CKPT-5"}


def identified(e):
    if e["node"] is None:
        return None
    return e["configured_node"] in (None, e["node"]) and e["manifest_cluster"] in (None, e["cluster"])


def verified(e):
    marks = [run["verified"] for run in e["runs"]]
    if False in marks:
        return False
    return None if e["manifest_number"] is None or None in marks else True


def complete(e):
    if e["next_run"] is None:
        return None
    return runs_join(e["runs"], e["manifest_next_run"] or 0, e["manifest_commit"] or 0) and e["next_run"] >= (e["manifest_next_run"] or 0)


def reached(e, holds):
    return None if e["end_lsn"] is None else holds


def continuous(e):
    first, manifest = e["first_replayed_chain_before"], e["manifest_chain"]
    return e["discontinuity"] is None and (first is None or manifest is None or first == manifest)


def above_bound(e):
    return e["bound_lsn"] is None or (e["end_lsn"] or 0) >= e["bound_lsn"]


def synced(e):
    if e["syncs"] is None:
        return None
    needed = []
    if e["manifest_number"]:
        needed = [f"runs/{run['number']:08}.run" for run in e["runs"]] + (["runs"] if e["runs"] else []) + ["MANIFEST", "."]
    return set(needed) <= {sync["name"] for sync in e["syncs"]}


RECOVERY = {
    "REC-8": identified,
    "REC-7": lambda e: None if e["held_by_another"] is None else not e["held_by_another"],
    "CKPT-5": verified,
    "CKPT-3": complete,
    "REC-4": lambda e: reached(e, continuous(e)),
    "REC-2": lambda e: reached(e, e["later_segment"] is None),
    "REC-3": lambda e: reached(e, above_bound(e)),
    "REC-1": lambda e: reached(e, continuous(e) and e["later_segment"] is None and above_bound(e)),
    "REC-6": lambda e: e["replayed_digest"] == e["stated_digest"] if known(e["replayed_digest"], e["stated_digest"]) else None,
    "REC-9": synced,
    "REC-5": lambda e: None if e["rewrites_last_frame"] is None else e["rewrites_last_frame"] == (e["last_frame_segment"] is not None),
}


def recovery_conclusion(e, results):
    if e["error_code"] == "IO":
        return {"status": "incomplete", "state_valid": None}
    if False in results or e["error_code"] is not None:
        return {"status": "refused" if e["carried_out"] else "would be refused", "state_valid": False}
    if None in results:
        return {"status": "undetermined", "state_valid": None}
    return {"status": "recovered" if e["carried_out"] else "would recover", "state_valid": True}


# --- node.halt

HALT = {
    "FAIL-2": lambda e: e["state"] != "HALTED",
    "FAIL-4": lambda e: e["cause_gone"] if e["state"] == "HALTED" else True,
    "AUTH-3": lambda e: not e["fenced"],
}


def halt_conclusion(e, _):
    words = (["halted"] if e["state"] == "HALTED" else []) + (["fenced"] if e["fenced"] else [])
    return {"status": " and ".join(words) or "not halted"}


# --- promotion.decision

def started_role(e):
    if e["previous_instance"] != e["instance"]:
        return "replica"
    return "primary" if e["seal_lsn"] is None else "sealed"


def peer_objects(e, peer):
    lost = e["lost"]
    if not peer["answered"]:
        return False
    if peer["name"] == lost or (e["seal_successor"] is None and peer["instance"] == e["previous_instance"]):
        return True
    if peer["seal_lsn"] is not None and peer["seal_successor"] != lost:
        return True
    further = peer["own_departs_lsn"] is None and (peer["durable_lsn"] or 0) > e["start_lsn"] - 1
    return peer["departs_lsn"] is not None or further


def may_end(e):
    if not known(e["state"], e["fenced"], e["log_validated"], e["lost"]):
        return None
    holder = e["seal_successor"] if e["seal_successor"] is not None else e["previous_node"]
    return (e["state"] == "READY" and not e["fenced"] and e["log_validated"] and started_role(e) == "replica"
            and e["parent"] is not None and e["lost"] == holder)


PROMOTION = {
    "promotion": {
        "AUTH-7": lambda e: None if e["state"] is None else e["state"] == "READY",
        "AUTH-8": lambda e: e["log_validated"] if known(e["log_validated"], e["durable_lsn"], e["durable_commit"]) else None,
        "AUTH-4": lambda e: e["seal_lsn"] is not None,
        "AUTH-5": names_this_node,
        "AUTH-6": lambda e: None if e["declined_here"] is None else not e["declined_here"],
        "AUTH-11": lambda e: started_role(e) == "sealed" and decline_answers(e),
        "AUTH-2": lambda e: e["seal_lsn"] is not None and e["answers_seal_lsn"] == e["seal_lsn"] and e["start_lsn"] == e["seal_lsn"] + 1,
    },
    "end": {
        "AUTH-15": may_end,
        "AUTH-13": lambda e: None if e["peers"] is None or not all(peer["answered"] or peer["absent"] for peer in e["peers"]) else True,
        "AUTH-14": lambda e: not any(peer_objects(e, peer) for peer in e["peers"]) if known(e["peers"], e["lost"]) else None,
    },
    "init": {"AUTH-1": lambda e: e["node"] != ""},
    "restore": {"AUTH-1": lambda e: e["node"] != ""},
}


def promotion_conclusion(e, results):
    if e["started_by"] in ("init", "restore"):
        return {"status": "no promotion decided it"}
    if e["started_by"] == "promotion":
        ready, validated, seal, named, not_declined, own_declined, follows = [result is not False for result in results]
        possible = ready and validated and seal and follows and ((named and not_declined) or own_declined)
        missing = not known(e["state"], e["log_validated"], e["declined_here"], e["durable_lsn"], e["durable_commit"])
    else:
        possible, missing = False not in results, None in results
    if not possible:
        return {"status": "denied"}
    if e["failed_code"] is not None:
        return {"status": "incomplete"}
    return {"status": "undetermined" if missing else "granted"}


def table_of(explanation, e):
    """The rules of its type, in order, and its conclusion."""
    kind = explanation["explanation_type"]
    if kind == "control.command":
        return COMMAND[e["command"]], command_conclusion
    if kind == "promotion.decision":
        return PROMOTION[e["started_by"]], promotion_conclusion
    if kind == "node.halt":
        # The rule that the record names stands last: that it does not hold is what was recorded.
        failing = e["halt_rule"] if e["state"] == "HALTED" else None
        known_rule = failing is not None and len(explanation["rules_applied"]) == len(HALT) + 1
        return [*HALT.items(), (failing, lambda _: False)] if known_rule else HALT, halt_conclusion
    return {
        "mvcc.read_visibility": (READ, read_conclusion),
        "replication.safety": (SAFETY, safety_conclusion),
        "query.execution": (QUERY, query_conclusion),
        "checkpoint.safety": (CHECKPOINT, checkpoint_conclusion),
        "recovery.process": (RECOVERY, recovery_conclusion),
    }[kind]


def judge(explanation):
    """Where this implementation comes to something else; empty where it agrees."""
    e = Evidence(explanation)
    rules, conclude = table_of(explanation, e)
    rules = list(rules.items()) if isinstance(rules, dict) else rules
    applied = explanation["rules_applied"]
    if [rule["rule_id"] for rule in applied] != [rule_id for rule_id, _ in rules]:
        return [f"rules {[rule['rule_id'] for rule in applied]}, not {[rule_id for rule_id, _ in rules]}"]
    differences, results = [], []
    for entry, (rule_id, holds) in zip(applied, rules):
        result = holds(e)
        if explanation["explanation_type"] == "recovery.process" and ERROR_RULE.get(e["error_code"]) == rule_id:
            result = False
        results.append(None if result is None else bool(result))
        if entry["evaluation"] != results[-1]:
            differences.append(f"{rule_id} is {results[-1]} here, {entry['evaluation']} in the explanation")
        if (entry["evaluation"] is None) != ("missing" in entry["evidence"]):
            differences.append(f"{rule_id}: `missing` stands with null alone")
    conclusion = conclude(e, results)
    for name, value in conclusion.items():
        if explanation["conclusion"].get(name) != value:
            differences.append(f"conclusion: {name} is {value} here, {explanation['conclusion'].get(name)} in the explanation")
    return differences


def main(files):
    disagrees = 0
    for file in files:
        with open(file, encoding="utf-8") as text:
            explanation = json.load(text)
        differences = judge(explanation.get("explanation", explanation))
        for difference in differences:
            print(f"{file}: {difference}")
        disagrees += bool(differences)
    if not files:
        print("no files")
    return 1 if disagrees or not files else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
