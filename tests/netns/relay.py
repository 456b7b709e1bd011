"""relay.py LISTEN TO DELAY_MS JITTER_MS: a link that is far away. Each piece of a stream arrives after the delay and a part of the
jitter, in order; each direction for itself. Ends with its standard input."""
import asyncio
import random
import sys


async def carry(reader, writer, delay_s, jitter_s):
    loop = asyncio.get_running_loop()
    pieces = asyncio.Queue(maxsize=4096)

    async def deliver():
        while (piece := await pieces.get()) is not None:
            due, data = piece
            await asyncio.sleep(max(0, due - loop.time()))
            writer.write(data)
            await writer.drain()
        writer.close()

    delivering = asyncio.create_task(deliver())
    try:
        while data := await reader.read(65536):
            await pieces.put((loop.time() + delay_s + random.random() * jitter_s, data))
    except OSError:
        pass
    await pieces.put(None)
    await asyncio.gather(delivering, return_exceptions=True)


async def main(listen, to, delay_ms, jitter_ms):
    async def accepted(reader, writer):
        host, port = to.rsplit(":", 1)
        try:
            there_reader, there_writer = await asyncio.open_connection(host, int(port))
        except OSError:
            writer.close()
            return
        await asyncio.gather(carry(reader, there_writer, delay_ms / 1000, jitter_ms / 1000),
                             carry(there_reader, writer, delay_ms / 1000, jitter_ms / 1000))

    host, port = listen.rsplit(":", 1)
    async with await asyncio.start_server(accepted, host, int(port)):
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])))
