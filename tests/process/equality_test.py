"""What a replica answers at a commit is what its primary answers, byte for byte, and so is the explanation."""
import random
import unittest

import msgpack

from harness import ClusterTest
from rpc import RpcError

OPERATIONS = 300
QUESTIONS = 400


class EqualityTest(ClusterTest):
    replicas = 1

    def write_at_random(self, choices):
        """Commits 2 to the last; ids that live or lived."""
        ids = [f"n{number}" for number in range(40)]
        commit = 0
        with self.cluster.client("p1") as client:
            for _ in range(OPERATIONS):
                document = {"_id": choices.choice(ids), "rank": choices.randrange(10), "author": choices.choice("abc"),
                            "text": "t" * choices.randrange(200)}
                try:
                    if choices.random() < 0.2:
                        answer = client.call("doc.delete", collection="notes", id=document["_id"])
                    elif choices.random() < 0.5:
                        answer = client.call("doc.insert", collection="notes", schema_version=1, document=document)
                    else:
                        answer = client.call("doc.update", collection="notes", schema_version=1, document=document)
                    commit = answer["receipt"]["commit_id"]
                except RpcError as error:
                    self.assertIn(error.code, ("DOCUMENT_EXISTS", "NO_SUCH_DOCUMENT"))
                if choices.random() < 0.01:
                    # Each node makes its own, at its own time.
                    name = choices.choice(self.cluster.names)
                    self.cluster.aerodb("checkpoint", "--node", f"unix:{name}/maintenance.sock", "--reason", "test", check=False)
        return ids, commit

    def question(self, choices, ids, last):
        at = choices.randrange(1, last + 3)  # the last two are of the future
        kind = choices.randrange(4)
        if kind == 0:
            return "doc.get", {"collection": "notes", "id": choices.choice(ids), "schema_version": 1, "at_commit": at}
        if kind == 1:
            return "explain.read", {"collection": "notes", "id": choices.choice(ids), "at_commit": at}
        if kind == 2:
            return "doc.history", {"collection": "notes", "id": choices.choice(ids), "schema_version": 1, "limit": choices.randrange(1, 20),
                                   "before_commit": at}
        where = [{"field": "rank", "op": choices.choice(["eq", "lt", "ge"]), "value": choices.randrange(10)}]
        if choices.random() < 0.5:
            where.append({"field": "author", "op": "eq", "value": choices.choice("abc")})
        return "doc.query", {"collection": "notes", "schema_version": 1, "where": where, "sort": choices.choice(["_id", "rank", "author"]),
                             "limit": choices.randrange(1, 50), "at_commit": at}

    def answer(self, client, method, params):
        try:
            answer = client.call(method, **params)
        except RpcError as error:
            return error.code
        # The receipt is the node's own position; all else belongs to the commit.
        return msgpack.packb(answer.get("data", {k: v for k, v in answer.items() if k != "receipt"}))

    def test_every_read_at_every_commit(self):
        choices = random.Random(11)
        ids, last = self.write_at_random(choices)
        self.cluster.wait_in_step()
        answered = {}
        with self.cluster.client("p1") as primary, self.cluster.client("r1") as replica:
            for _ in range(QUESTIONS):
                method, params = self.question(choices, ids, last)
                here, there = self.answer(primary, method, params), self.answer(replica, method, params)
                self.assertEqual(here, there, (method, params))
                answered[method, isinstance(here, bytes)] = answered.get((method, isinstance(here, bytes)), 0) + 1
        for method in ("doc.get", "doc.query", "doc.history", "explain.read"):
            self.assertGreater(answered.get((method, True), 0), 20, answered)


if __name__ == "__main__":
    unittest.main()
