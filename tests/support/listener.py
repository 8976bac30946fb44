"""`python -m tests.support.listener tcp://host:port seconds`: what an ingress is to the public port.

It listens as one does and answers who comes with its pid. Told to end, it accepts nobody any more, and ends
after some seconds, as one that drains. `--slow seconds` listens nowhere: it takes its time to end, no more.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Any

from shared import public_port
from shared.process.host import end_with_supervisord


async def main(address: str, drain_s: float) -> None:
    listener = await asyncio.to_thread(public_port.fetch, address)
    offering = asyncio.create_task(public_port.offer(address, listener.dup()))

    async def answer(_reader: Any, writer: asyncio.StreamWriter) -> None:
        writer.write(str(os.getpid()).encode())
        writer.close()

    server = await asyncio.start_server(answer, sock=listener)
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    await told.wait()
    server.close()
    await asyncio.sleep(drain_s)
    offering.cancel()


async def only_slow(drain_s: float) -> None:
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    await told.wait()
    await asyncio.sleep(drain_s)


if __name__ == "__main__":
    end_with_supervisord()
    address, seconds = sys.argv[1:]
    asyncio.run(only_slow(float(seconds)) if address == "--slow" else main(address, float(seconds)))
