"""Bad input to real processes: each gets its named error, nothing is lost, nobody else suffers, nobody halts."""
import os
import random
import socket
import unittest

import msgpack
from harness import ClusterTest, free_port, request, wait_until
from rpc import Client, ConnectionLost, RpcError


class ListenerTest(ClusterTest):
    replicas = 1

    def listeners(self):
        yield "client", self.cluster.client("p1")
        yield "replication", self.cluster.replication("p1")
        yield "replication of a replica", self.cluster.replication("r1")
        yield "control", self.cluster.control("p1")
        yield "maintenance", Client("unix:" + os.path.relpath(self.cluster.dir / "p1" / "maintenance.sock"))
        yield "shipper", Client(f"127.0.0.1:{self.cluster.shipper_port}")

    def check_still_serving(self):
        with self.cluster.client("p1") as client:
            number = random.randrange(1 << 40)
            lsn = self.insert(client, number)["receipt"]["lsn"]
        self.cluster.wait_applied("r1", lsn)
        for name in ("p1", "r1"):
            self.assertEqual(self.cluster.status(name)["state"], "READY")

    def test_random_bytes_on_every_listener(self):
        chooser = random.Random(7)
        for name, client in self.listeners():
            with self.subTest(listener=name), client:
                for _ in range(20):
                    try:
                        client.send_raw(chooser.randbytes(chooser.randrange(1, 4000)))
                    except ConnectionLost:
                        break
        self.check_still_serving()

    def test_deeply_nested_on_every_listener(self):
        nested = b"\x91" * 1000
        for name, client in self.listeners():
            with self.subTest(listener=name), client:
                client.send_raw(b"\x94\x00\x01\xa4ping" + nested)
                self.refused("MESSAGE_TOO_DEEP", client.receive)
        self.check_still_serving()

    def test_oversized_on_every_listener(self):
        for name, client in self.listeners():
            with self.subTest(listener=name), client:
                client.send_raw(b"\x94\x00\x01\xa4ping\x91\x81\xa1x\xc6" + (1 << 30).to_bytes(4, "big"))
                self.refused("MESSAGE_TOO_LARGE", client.receive)
        self.check_still_serving()

    def test_truncated_message_is_ended_after_its_time(self):
        for name, client in self.listeners():
            with self.subTest(listener=name), client:
                client.send_raw(msgpack.packb([0, 1, "ping", [{"nonce": 1}]])[:-1])
                with self.assertRaises((ConnectionLost, RpcError)):
                    client.receive()
        self.check_still_serving()

    def test_a_method_on_the_wrong_listener(self):
        wrong = {"client": "control.demote", "replication": "doc.get", "replication of a replica": "control.promote", "control": "doc.insert",
                 "maintenance": "doc.get", "shipper": "wal.fetch"}
        for name, client in self.listeners():
            with self.subTest(listener=name), client:
                self.refused("UNKNOWN_METHOD", client.call, wrong[name])
                self.assertIn("listener", client.call("hello", protocol=1, client="test"))


class DocumentTest(ClusterTest):
    replicas = 1

    def setUp(self):
        super().setUp()
        self.client = self.cluster.client("p1")
        self.addCleanup(self.client.close)

    def write(self, document, collection="notes", version=1):
        return self.client.call("doc.insert", collection=collection, schema_version=version, document=document)

    def test_unknown_collection(self):
        self.refused("UNKNOWN_COLLECTION", self.write, {"_id": "a"}, collection="nothing")

    def test_undeclared_field(self):
        self.refused("UNDECLARED_FIELD", self.write, {"_id": "a", "colour": "red"})

    def test_wrong_type(self):
        self.refused("WRONG_TYPE", self.write, {"_id": "a", "rank": "high"})

    def test_missing_id(self):
        self.refused("MISSING_REQUIRED", self.write, {"rank": 1})

    def test_missing_limit(self):
        self.refused("LIMIT_REQUIRED", self.client.call, "doc.query", collection="notes", schema_version=1, where=[{"field": "rank", "op": "eq", "value": 1}])

    def query(self, **params):
        return self.client.call("doc.query", collection="notes", schema_version=1, **params)

    def test_a_query_without_an_index_or_beyond_its_bound(self):
        for number in range(5):
            self.insert(self.client, number)
        self.refused("QUERY_UNBOUNDED", self.query, where=[{"field": "text", "op": "eq", "value": "x"}], limit=5)
        self.refused("QUERY_UNBOUNDED", self.query, where=[], limit=5)
        everything = [{"field": "rank", "op": "ge", "value": 0}]
        self.refused("QUERY_BOUND_EXCEEDED", self.query, where=everything, limit=5, max_entries=3)
        self.assertEqual(len(self.query(where=everything, limit=5)["data"]["versions"]), 5)

    def test_unknown_missing_and_misfitting_parameters(self):
        self.refused("UNKNOWN_FIELD", self.client.call, "ping", nonce=1, colour="red")
        self.refused("MISSING_FIELD", self.client.call, "ping")
        self.refused("BAD_REQUEST", self.client.call, "ping", nonce="one")
        self.refused("BAD_REQUEST", self.client.call, "doc.get", collection="notes", id="a", schema_version=1, at_commit=1 << 53)

    def test_duplicate_id(self):
        self.write({"_id": "a"})
        self.refused("DOCUMENT_EXISTS", self.write, {"_id": "a"})

    def test_a_write_to_a_replica(self):
        self.cluster.wait_in_step()
        with self.cluster.client("r1") as client:
            self.refused("NOT_PRIMARY", self.insert, client, 1)

    def test_a_write_to_a_sealed_node(self):
        with self.cluster.control("p1") as control:
            control.call("control.demote", request=request(1), successor="r1",
                         successor_instance=self.cluster.status("r1")["instance"])
        self.refused("SEALED", self.write, {"_id": "a"})

    def test_a_stale_receipt_on_a_replica_is_never_answered_from_the_past(self):
        self.cluster.wait_in_step()
        self.cluster.stop("s1-from-p1")
        receipt = self.write({"_id": "a"})["receipt"]
        with self.cluster.client("r1") as replica:
            self.refused("BEHIND", replica.call, "doc.get", collection="notes", id="a", schema_version=1, receipt=receipt)

    def test_a_receipt_of_another_lineage(self):
        receipt = dict(self.write({"_id": "a"})["receipt"])
        receipt["lineage"] = b"\x01" * 16
        self.refused("LINEAGE_UNKNOWN", self.client.call, "doc.get", collection="notes", id="a", schema_version=1, receipt=receipt)
        self.refused("LINEAGE_UNKNOWN", self.client.call, "doc.delete", collection="notes", id="a", receipt=receipt)

    def test_a_receipt_with_another_chain(self):
        receipt = dict(self.write({"_id": "a"})["receipt"])
        receipt["chain"] = b"\x01" * 16
        self.refused("LINEAGE_UNKNOWN", self.client.call, "doc.get", collection="notes", id="a", schema_version=1, receipt=receipt)


class DirectoryTest(ClusterTest):
    replicas = 1
    shipper = False

    def test_a_config_that_names_another_nodes_directory(self):
        self.cluster.stop("r1")
        self.cluster.write_node("r1", file="wrong.toml", data_dir="p1")
        self.cluster.stop("p1")
        code, output = self.cluster.run_to_end("wrong", "aerodb-replica", "wrong.toml")
        self.assertEqual(code, 78)
        self.assertIn("WRONG_NODE", output)

    def test_two_processes_on_one_directory(self):
        code, output = self.cluster.run_to_end("second", "aerodb-primary", "p1.toml")
        self.assertEqual(code, 85)
        self.assertIn("LOCKED", output)
        with self.cluster.client("p1") as client:
            self.insert(client, 1)

    def test_a_role_binary_on_the_wrong_role(self):
        self.cluster.stop("p1")
        self.cluster.stop("r1")
        for binary, config, right in (("aerodb-replica", "p1.toml", "aerodb-primary"), ("aerodb-primary", "r1.toml", "aerodb-replica")):
            code, output = self.cluster.run_to_end("wrong", binary, config)
            self.assertEqual(code, 78)
            self.assertIn("WRONG_ROLE", output)
            self.assertIn(right, output)

    def fill(self, count=30):
        with self.cluster.client("p1") as client:
            for number in range(count):
                self.insert(client, number, text="x" * 300)
        return self.cluster.status("p1")

    def segment(self, slot=0):
        return self.cluster.dir / "p1" / "wal" / f"{slot:04}.seg"

    def test_a_flipped_bit_in_the_middle(self):
        self.fill()
        self.cluster.kill("p1")
        with open(self.segment(), "r+b") as file:
            file.seek(512 * 8 + 100)
            byte = file.read(1)[0]
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte ^ 4]))
        code, output = self.cluster.run_to_end("p1", "aerodb-primary", "p1.toml")
        self.assertEqual(code, 65)
        self.assertIn("WAL_HOLE", output)

    def test_a_torn_last_frame_is_set_aside(self):
        before = self.fill()
        self.cluster.kill("p1")
        # A frame that was never whole: something behind the end of the log.
        with open(self.segment(), "r+b") as file:
            data = file.read()
            end = (len(data.rstrip(b"\0")) + 511) // 512 * 512
            file.seek(end)
            file.write(b"AEWF" + b"\x07" * 700)
        self.cluster.start("p1")
        self.assertEqual(self.cluster.status("p1")["durable_lsn"], before["durable_lsn"])
        self.assertEqual(len(list((self.cluster.dir / "p1" / "quarantine").iterdir())), 1)
        with self.cluster.client("p1") as client:
            self.insert(client, 1000)

    def test_a_missing_segment(self):
        self.fill()
        self.cluster.stop("p1")
        self.segment(2).unlink()
        code, output = self.cluster.run_to_end("p1", "aerodb-primary", "p1.toml")
        self.assertEqual(code, 65)
        self.assertIn("WAL_SEGMENT_MISSING", output)

    def test_a_lost_tail_after_a_clean_stop(self):
        self.fill()
        self.cluster.stop("p1")
        with open(self.segment(), "r+b") as file:
            data = file.read()
            end = len(data.rstrip(b"\0")) // 512 * 512
            file.seek(end - 512)
            file.write(b"\0" * 1536)
        code, output = self.cluster.run_to_end("p1", "aerodb-primary", "p1.toml")
        self.assertEqual(code, 65)
        self.assertIn("WAL_BOUND_LOST", output)


class FullRingTest(ClusterTest):
    replicas = 1

    def test_a_full_ring_refuses_writes_and_goes_on_reading(self):
        document = {"_id": "", "text": "x" * 900_000}
        with self.cluster.client("p1") as client:
            count = 0
            while True:
                document["_id"] = f"big{count}"
                client.send("doc.insert", {"collection": "notes", "schema_version": 1, "document": document})
                try:
                    client.receive()
                except Exception as error:
                    self.assertEqual(error.code, "WAL_FULL")
                    break
                count += 1
                self.assertLess(count, 100)
            self.assertIsNotNone(client.call("doc.get", collection="notes", id="big0", schema_version=1)["data"]["version"])
        self.cluster.kill("p1")
        self.cluster.start("p1")
        with self.cluster.control("p1") as control:  # room is reserved for a seal
            control.call("control.demote", request=request(1), successor="r1",
                         successor_instance=self.cluster.status("r1")["instance"])


class SecondShipperTest(ClusterTest):
    replicas = 1

    def test_the_loser_stops_until_its_operator_restarts_it(self):
        self.cluster.wait_in_step()
        port = free_port()
        self.cluster.write_shipper("s2", "p1", port=port)
        self.cluster.start_shipper("s2", port)

        def loser_stopped():
            with Client(f"127.0.0.1:{self.cluster.shipper_port}") as shipper:
                target = shipper.call("status")["targets"][0]
                return target["state"] == "STOPPED" and target
        with self.cluster.client("p1") as client:
            self.insert(client, 1)
        target = wait_until(loser_stopped, "the first shipper stopped")
        self.assertEqual(target["stopped_by"], "SUPERSEDED_BY_INSTANCE")
        with self.cluster.client("p1") as client:
            lsn = self.insert(client, 2)["receipt"]["lsn"]
        self.cluster.wait_applied("r1", lsn)
        self.assertEqual(self.cluster.status("r1")["state"], "READY")


class ConfigTest(ClusterTest):
    replicas = 0
    shipper = False

    def refused_config(self, text, *expected):
        self.cluster.write("bad.toml", text)
        code, output = self.cluster.run_to_end("bad", "aerodb-primary", "bad.toml")
        self.assertEqual(code, 78)
        for part in expected:
            self.assertIn(part, output)

    def test_unknown_key_wrong_type_and_range_name_the_line(self):
        good = (self.cluster.dir / "p1.toml").read_text()
        self.refused_config(good.replace("segments = 4", "segmets = 4"), "bad.toml:", "segmets")
        self.refused_config(good.replace("segments = 4", 'segments = "4"'), "bad.toml:", "segments")
        self.refused_config(good.replace("segments = 4", "segments = 1"), "bad.toml:", "segments")
        self.refused_config(good.replace('client = "127.0.0.1', 'client = "0.0.0.0'), "allow_remote")


if __name__ == "__main__":
    socket.setdefaulttimeout(30)
    unittest.main()
