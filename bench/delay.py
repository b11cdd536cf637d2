"""A door to one node that is far away: a TCP proxy on loopback which hands on every byte some time later."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def far(address: str, port: int, round_trip: float) -> Iterator[int]:
    """Yield the local port of a proxy to ``address``: ``round_trip`` seconds there and back, beside what it is."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    start = asyncio.start_server(lambda r, w: _serve(r, w, address, port, round_trip / 2), "127.0.0.1", 0)
    server = asyncio.run_coroutine_threadsafe(start, loop).result(10)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


async def _serve(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str, port: int, delay: float
) -> None:
    await asyncio.sleep(2 * delay)  # the handshake of TCP
    theirs, ours = await asyncio.open_connection(address, port)
    await asyncio.gather(_hand_on(reader, ours, delay), _hand_on(theirs, writer, delay))


async def _hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    loop, chunks = asyncio.get_running_loop(), asyncio.Queue[tuple[float, bytes]]()

    async def deliver() -> None:
        data = b"-"
        while data:
            due, data = await chunks.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            writer.write(data)
        writer.close()

    task, data = asyncio.create_task(deliver()), b"-"
    while data:
        data = await reader.read(65536)
        chunks.put_nowait((loop.time() + delay, data))
    await task
