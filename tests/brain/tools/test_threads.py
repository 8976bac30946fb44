"""Threads for tools that are plain functions: bounded, and nobody waits for one that hangs."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest

from brain.errors import NoThread
from brain.tools.function import tool
from brain.tools.threads import ToolThreads
from brain.tools.toolbox import Toolbox, ToolContext, ToolOutcome

CONTEXT = ToolContext(call_sid="CA" + "0" * 32, caller="…11", called="+15550001", agent="default")


async def test_functions_that_hang_hold_up_nobody() -> None:
    """More of them than the loop's own pool has threads: other tools run, and names are still looked up."""
    let_go = threading.Event()

    @tool
    def hang() -> str:
        """Hang."""
        let_go.wait(20)
        return "late"

    @tool
    def answer() -> str:
        """Answer."""
        return "here"

    tools = Toolbox.of([hang, answer], 0.05)
    try:
        hung = await asyncio.gather(*(tools.run("hang", "{}", CONTEXT, f"c{n}") for n in range(40)))
        assert {result.outcome for result in hung} == {ToolOutcome.TIMED_OUT}

        tools.time_limit_s = 5.0
        assert (await tools.run("answer", "{}", CONTEXT, "c")).output == "here"
        async with asyncio.timeout(5):
            assert await asyncio.get_running_loop().getaddrinfo("127.0.0.1", 80)
    finally:
        let_go.set()


async def test_threads_are_bounded_and_come_back() -> None:
    """Beyond the bound the model is told; a function that ends at last frees its thread."""
    threads, let_go = ToolThreads(1), threading.Event()
    first = asyncio.create_task(threads.run(let_go.wait, {}))
    await asyncio.sleep(0)

    with pytest.raises(NoThread, match="1 runs"):
        await threads.run(str, {})
    let_go.set()
    await first
    assert await threads.run(str, {}) == ""


def test_a_function_that_hangs_does_not_keep_the_process() -> None:
    """Its thread is nobody's to wait for."""
    program = (
        "import asyncio, threading\n"
        "from brain.tools import ToolContext, tool\n"
        "from brain.tools.toolbox import Toolbox\n"
        "@tool\n"
        "def hang() -> None:\n"
        "    threading.Event().wait()\n"
        "context = ToolContext('CA', '', '', '')\n"
        "print(asyncio.run(Toolbox.of([hang], 0.1).run('hang', '{}', context, 'c')).outcome)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False
    )

    assert (done.returncode, done.stdout.strip()) == (0, "timed_out")


async def test_what_a_function_raises_is_raised_in_the_loop() -> None:
    """As it is."""
    with pytest.raises(ZeroDivisionError):
        await ToolThreads(1).run(lambda: 1 // 0, {})
