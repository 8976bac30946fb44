"""A tool that counts its runs."""

from __future__ import annotations

import asyncio

import httpx

from proofs.prove.chaos.setting.counting_tool import CountingTool
from tests.support.waiting import wait_until

BODY = {"tool": "look_up", "arguments": {"b": 1, "a": 2}, "call": {"call_sid": "CA1", "call_id": "call_1"}}


async def test_each_run_is_noted_with_its_ids() -> None:
    """However often the same is asked."""
    async with CountingTool(takes_s=0) as tool, httpx.AsyncClient() as client:
        for _ in range(2):
            answer = await client.post(f"http://127.0.0.1:{tool.port}/look_up", json=BODY)
            assert answer.json() == {"status": "found"}

    assert [(run.call_sid, run.call_id, run.arguments) for run in tool.runs] == [
        ("CA1", "call_1", '{"a":2,"b":1}')
    ] * 2


async def test_who_waits_for_it_can_be_seen_and_may_go() -> None:
    """The run has happened all the same."""
    async with CountingTool(takes_s=0.1) as tool, httpx.AsyncClient() as client:
        asking = asyncio.create_task(client.post(f"http://127.0.0.1:{tool.port}/look_up", json=BODY))
        await wait_until(lambda: "CA1" in tool.running, "the run")
        asking.cancel()
        await wait_until(lambda: not tool.running, "its end")
        assert len(tool.runs) == 1
