"""One side of a connection."""

from __future__ import annotations

import asyncio

import pytest

from proofs.simulate.kernel.transport import KERNEL_BYTES
from tests.support.simulated_pair import Pair, run_pair


def test_what_is_written_arrives_in_order_and_later() -> None:
    """Bytes take their time, and none overtakes another."""

    async def work(pair: Pair) -> None:
        reader, writer = await pair.connect()
        began_s = pair.loop.time()
        for number in range(20):
            writer.write(b"%d\n" % number)
        for number in range(20):
            assert await reader.readline() == b"%d\n" % number
        assert 0.0001 < pair.loop.time() - began_s < 0.01

    run_pair(work)


def test_a_close_is_an_end_and_not_a_break() -> None:
    """What was written before arrives first."""

    async def work(pair: Pair) -> None:
        _, writer = await pair.connect()
        writer.write(b"last\n")
        writer.close()
        await asyncio.sleep(1)
        assert (pair.got, pair.ended) == ([b"last\n"], ["eof"])

    run_pair(work)


def test_a_stopped_reader_makes_its_writer_wait() -> None:
    """What two kernels do not hold stays with the writer, who is told to pause."""

    async def work(pair: Pair) -> None:
        _, writer = await pair.connect()
        pair.loop.stop_machine(pair.server)
        writer.write(b"x" * (KERNEL_BYTES + 200_000))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2):
                await writer.drain()
        pair.loop.continue_machine(pair.server)
        await writer.drain()

    run_pair(work)
