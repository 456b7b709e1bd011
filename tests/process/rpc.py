"""A small MessagePack-RPC client over a blocking socket, on Debian's python3-msgpack: not our codec."""
import socket

import msgpack


class RpcError(Exception):
    """The error answered by the peer; `code` is its name in the error table."""

    def __init__(self, error):
        self.code = error["code"]
        self.details = error.get("details", {})
        super().__init__(f"{self.code}: {error['message']}")


class ConnectionLost(Exception):
    """The stream ended before the answer: the outcome is unknown."""


class Client:
    """One connection. `call` waits for its answer; `send` and `receive` are there for pipelining."""

    def __init__(self, address, timeout=20.0):
        if address.startswith("unix:"):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(timeout)
            try:
                self.socket.connect(address[5:])
            except OSError:
                self.socket.close()
                raise
        else:
            host, port = address.rsplit(":", 1)
            self.socket = socket.create_connection((host, int(port)), timeout)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.unpacker = msgpack.Unpacker(raw=False, strict_map_key=False, max_buffer_size=64 << 20)
        self.next_id = 0

    def send(self, method, params=None):
        self.next_id += 1
        self.send_raw(msgpack.packb([0, self.next_id, method, [params or {}]]))
        return self.next_id

    def send_raw(self, data):
        try:
            self.socket.sendall(data)
        except (ConnectionError, BrokenPipeError) as error:
            raise ConnectionLost(str(error)) from error

    def receive(self):
        """The next answer as (id, result); raises RpcError with `.id` set where it is an error."""
        while True:
            for message in self.unpacker:
                kind, number, error, result = message
                assert kind == 1, message
                if error is not None:
                    raised = RpcError(error)
                    raised.id = number
                    raise raised
                return number, result
            try:
                data = self.socket.recv(1 << 16)
            except (ConnectionError, socket.timeout) as error:
                raise ConnectionLost(str(error)) from error
            if not data:
                raise ConnectionLost("the peer closed the stream")
            self.unpacker.feed(data)

    def call(self, method, **params):
        number = self.send(method, params)
        answered, result = self.receive()
        assert answered == number, (answered, number)
        return result

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
