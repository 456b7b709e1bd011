"""A ready MessagePack-RPC client that is not ours talks to a node: the session of Debian's python3-pynvim."""
import unittest

from harness import SCHEMA, ClusterTest
from pynvim.msgpack_rpc import tcp_session


class ForeignClientTest(ClusterTest):
    replicas = 0
    shipper = False

    def test_inserts_and_reads_a_document(self):
        session = tcp_session("127.0.0.1", self.cluster.ports["p1"][0])
        self.addCleanup(session.close)
        self.assertEqual(session.request("ping", {"nonce": 7})["nonce"], 7)
        document = {"_id": "n1", "author": "somebody", "rank": -5, "text": "grüße"}
        written = session.request("doc.insert", {"collection": "notes", "schema_version": 1, "document": document})
        read = session.request("doc.get", {"collection": "notes", "id": "n1", "schema_version": 1, "receipt": written["receipt"]})
        self.assertEqual(read["data"]["version"]["document"], document)
        self.assertEqual(read["data"]["version"]["commit_id"], written["receipt"]["commit_id"])
        self.assertEqual(SCHEMA["collection"], "notes")


if __name__ == "__main__":
    unittest.main()
