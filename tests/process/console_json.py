"""docs/console-output.md, and whether an answer of the console is as it says. The harness holds every answer against it."""
import json
import pathlib
import re

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs" / "console-output.md"
ALWAYS_LINES = ("run dump", "run verify", "verify", "wal dump", "wal verify")


def read_document():
    """By verb: its kinds of objects, each a dictionary of path to type."""
    verbs, shapes = {}, []
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            shapes = []
            verbs.update({verb: shapes for verb in re.findall(r"`([^`]+)`", line)})
        elif line == "| field | type | |":
            shapes.append({})
        elif row := re.match(r"\| `([^`]+)` \| ([^|]+) \|", line):
            shapes[-1][row[1]] = row[2]
    return verbs


VERBS = read_document()
SCALARS = {"boolean": lambda value: isinstance(value, bool), "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
           "text": lambda value: isinstance(value, str), "hex text": lambda value: isinstance(value, str) and re.fullmatch("([0-9a-f]{2})*", value)}


def object_differs(value, shape, prefix=""):
    """Where an object is not of the shape; None: nowhere."""
    if not isinstance(value, dict):
        return f"{prefix or 'the answer'} is no object"
    described = {path.removeprefix(prefix): type_ for path, type_ in shape.items() if re.fullmatch(re.escape(prefix) + r"[^.\[]+", path)}
    if value.keys() != described.keys():
        return f"{prefix}: fields {sorted(value)}, described {sorted(described)}"
    return next(filter(None, (differs(value[name], type_, shape, prefix + name) for name, type_ in described.items())), None)


def differs(value, type_, shape, path):
    if type_.endswith(" or null"):
        return None if value is None else differs(value, type_.removesuffix(" or null"), shape, path)
    if type_.startswith("list: "):
        if not isinstance(value, list):
            return f"{path} is no list"
        return next(filter(None, (differs(one, type_.removeprefix("list: "), shape, f"{path}[]") for one in value)), None)
    if type_ == "object":
        return object_differs(value, shape, f"{path}.")
    if type_ != "any" and not SCALARS[type_](value):
        return f"{path}: {value!r} is not {type_}"
    return None


def verb_of(words):
    """The verb of a command line whose answer is JSON, None for any other."""
    words = [str(word) for word in words]
    verb = next((verb for verb in (" ".join(words[:2]), words[0]) if verb in VERBS), None) if words else None
    form = next((words[at + 1] for at, word in enumerate(words[:-1]) if word == "-o"), None)
    return verb if verb in ALWAYS_LINES or form in ("json", "jsonl") else None


def check(words, text):
    """Raises where an answer is not as it is described. Answers the verb, or None where it prints no JSON."""
    verb = verb_of(words)
    if verb is None:
        return None
    decoder, at, text = json.JSONDecoder(), 0, text.strip()
    while at < len(text):
        value, at = decoder.raw_decode(text, at)
        wrong = [object_differs(value, shape) for shape in VERBS[verb]]
        if None not in wrong:
            raise AssertionError(f"aerodb {' '.join(map(str, words))}: not as docs/console-output.md says: {wrong}")
        while at < len(text) and text[at].isspace():
            at += 1
    return verb if text else None
