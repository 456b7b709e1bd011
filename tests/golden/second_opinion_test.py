"""The second implementation of the rules agrees with every golden explanation, and with none that was bent; all of them
have the form of the schema. Its rules are those of the registry's document."""
import copy
import json
import pathlib
import re
import unittest

import jsonschema

import second_opinion

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = {path.stem: json.loads(path.read_text()) for path in sorted((ROOT / "tests/golden/explanations").glob("*.json"))}
TYPES = ("mvcc.read_visibility", "query.execution", "recovery.process", "checkpoint.safety", "replication.safety", "node.halt",
         "promotion.decision", "control.command")
OPPOSITE = {True: False, False: True, None: True}


def registered_rules():
    """Ids in the order of the document, which a test holds equal to the registry."""
    return re.findall(r"</a>([A-Z]+-[0-9]+) \|", (ROOT / "docs/spec/INVARIANTS.md").read_text())


class SecondOpinion(unittest.TestCase):
    def test_agrees_with_every_golden_explanation(self):
        self.assertEqual({name: second_opinion.judge(explanation) for name, explanation in GOLDEN.items()}, {name: [] for name in GOLDEN})

    def test_every_type_has_golden_explanations(self):
        self.assertEqual({explanation["explanation_type"] for explanation in GOLDEN.values()}, set(TYPES))

    def test_finds_every_evaluation_that_was_turned_round(self):
        for name, explanation in GOLDEN.items():
            for place in range(len(explanation["rules_applied"])):
                bent = copy.deepcopy(explanation)
                rule = bent["rules_applied"][place]
                rule["evaluation"] = OPPOSITE[rule["evaluation"]]
                self.assertNotEqual(second_opinion.judge(bent), [], f"{name}, rule {place + 1}")

    def test_finds_every_conclusion_of_another_outcome(self):
        for name, explanation in GOLDEN.items():
            key = next(key for key in ("status", "result", "visible_version") if key in explanation["conclusion"])
            bent = copy.deepcopy(explanation)
            bent["conclusion"] = {key: "granted by nobody"}
            self.assertNotEqual(second_opinion.judge(bent), [], name)

    def test_knows_no_rule_that_the_registry_does_not_have(self):
        registry = set(registered_rules())
        tables = [second_opinion.READ, second_opinion.SAFETY, second_opinion.QUERY, second_opinion.CHECKPOINT, second_opinion.RECOVERY,
                  second_opinion.HALT, *second_opinion.COMMAND.values(), *second_opinion.PROMOTION.values()]
        self.assertEqual(set().union(*tables) - registry, set())


class Schema(unittest.TestCase):
    def setUp(self):
        self.validator = jsonschema.Draft202012Validator(json.loads((ROOT / "docs/explanation.schema.json").read_text()))

    def test_takes_every_golden_explanation(self):
        for name, explanation in GOLDEN.items():
            self.assertEqual([error.message for error in self.validator.iter_errors(explanation)], [], name)

    def test_lists_every_rule_of_the_registry_and_no_other(self):
        self.assertEqual(self.validator.schema["$defs"]["rule"]["properties"]["rule_id"]["enum"], registered_rules())

    def test_lists_every_type(self):
        self.assertEqual(tuple(self.validator.schema["properties"]["explanation_type"]["enum"]), TYPES)

    def test_refuses_what_the_model_forbids(self):
        base = GOLDEN["safety-undetermined"]
        null = next(place for place, rule in enumerate(base["rules_applied"]) if rule["evaluation"] is None)
        holds = next(place for place, rule in enumerate(base["rules_applied"]) if rule["evaluation"] is True)
        bends = {
            "a key is absent": lambda e: e.pop("inputs"),
            "a key too many": lambda e: e.update(note="all good"),
            "null without what is missing": lambda e: e["rules_applied"][null]["evidence"].pop("missing"),
            "missing beside an evaluation": lambda e: e["rules_applied"][holds]["evidence"].update(missing=[]),
            "an evaluation in words": lambda e: e["rules_applied"][holds].update(evaluation="true"),
            "a float": lambda e: e["inputs"].update(commit=1.5),
            "a free-form rule": lambda e: e["rules_applied"][holds].update(rule_id="BECAUSE-1"),
            "undetermined without a reason": lambda e: e["conclusion"].pop("reason"),
            "another outcome": lambda e: e["conclusion"].update(status="looks fine"),
            "no commit": lambda e: e["observed_snapshot"].pop("commit_id"),
        }
        for what, bend in bends.items():
            bent = copy.deepcopy(base)
            bend(bent)
            self.assertFalse(self.validator.is_valid(bent), what)


if __name__ == "__main__":
    unittest.main()
