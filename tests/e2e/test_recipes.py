"""docs/operating.md: every recipe with redis-cli, and the command line, on a live call."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from shared.store.access.grants import OPERATOR
from simulators.twilio import HangUp, WaitForEnd
from tests.e2e.conftest import QUICK, Bridge, plan
from tests.e2e.shell import run
from tests.support import acl
from tests.support.servers import missing
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(90)

PAGE = (Path(__file__).parent.parent.parent / "docs/operating.md").read_text("utf-8")


def recipes() -> list[str]:
    """Each line of the section's fenced blocks, in order."""
    section = PAGE.split("## By redis-cli alone")[1].split("\n## ")[0]
    blocks = re.findall(r"^```sh\n(.*?)^```$", section, flags=re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


def nothing_in(line: str, output: str) -> bool:
    """Whether a recipe shows nothing, or not all that it asks for: each field of an HMGET is a line."""
    fields = line.partition("HMGET")[2].split()[1:]
    shown = output.removesuffix("\n").split("\n")
    return len(shown) != len(fields) or "" in shown if fields else not output.strip()


async def trunkline(url: str, *words: str) -> subprocess.CompletedProcess[str]:
    """The command line, as a program reads it; the simulators go on meanwhile."""
    environment = {**os.environ, "REDIS_URL": url, "NO_COLOR": "1"}
    command = [sys.executable, "-m", "console", *words]
    return await asyncio.to_thread(
        subprocess.run, command, env=environment, capture_output=True, text=True, check=False
    )


async def test_every_recipe_answers_on_a_live_call(bridge: Bridge, e2e_redis: str) -> None:
    """Looking shows something; a text is said, the egress is taken out, the call is ended."""
    if shutil.which("redis-cli") is None:
        missing("redis-cli")
    async with bridge.realtime() as model, bridge.twilio() as twilio:
        live = twilio.start_call(plan(WaitForEnd(45_000), HangUp()), QUICK)
        await wait_until(lambda: bool(live.record.playbacks), "the greeting plays")

        async def is_judged() -> bool:
            card = await bridge.card(live.call_sid)
            return {"verdict", "w_ingress", "w_brain"} <= set(card)

        await wait_until(is_judged, "the first window is judged")
        card = await bridge.card(live.call_sid)
        variables = {
            "CALL": live.call_sid,
            "KEY": f"tl:{{0}}:call:{live.call_sid}",
            "WORKER": card["egress"],
        }
        lines = recipes()
        assert len(lines) > 12
        for line in lines[:-1]:
            shown = run(line, e2e_redis, variables)
            assert not nothing_in(line, shown), f"{line} showed {shown!r}"
        creates = model.sessions[0].received_of
        await wait_until(lambda: "closing" in str(creates("response.create")), "the model was made to speak")

        async def is_draining() -> bool:
            return await bridge.store.hget(f"tl:worker:{card['egress']}", "draining") == b"1"

        await wait_until(is_draining, "the worker drains")
        run(lines[-1], e2e_redis, variables)
        call = await live.finished()
        await bridge.until_ended(live.call_sid)
        await bridge.restart(card["egress"].partition("@")[0])
    assert call.end_reason == "bridge_hung_up"


async def test_the_command_line_on_a_live_call(bridge: Bridge, e2e_redis: str) -> None:
    """calls, show, watch, say, hangup: for programs, and a line for people when something is wrong. As the
    operator's user."""
    acl.install(e2e_redis, OPERATOR)
    operator = acl.url_of(e2e_redis, OPERATOR)
    async with bridge.realtime() as model, bridge.twilio() as twilio:
        live = twilio.start_call(plan(WaitForEnd(45_000), HangUp()), QUICK)
        await wait_until(lambda: bool(live.record.playbacks), "the greeting plays")
        sid = live.call_sid

        (listed,) = json.loads((await trunkline(operator, "calls", "--json")).stdout)
        shown = json.loads((await trunkline(operator, "show", sid[-8:], "--json")).stdout)
        nobody = await trunkline(operator, "show", "zzz")
        refused = await trunkline(operator, "say", sid, " ")
        assert listed["call_sid"] == shown["call_sid"] == sid
        assert shown["card"]["state"] in ("attached", "live")
        assert {"kind", "at_ms", "text"} == set(shown["journal"][0])
        assert (nobody.returncode, f"Live are: {sid}" in nobody.stderr) == (1, True)
        assert (refused.returncode, "expected a text to say" in refused.stderr) == (2, True)
        assert sid in (await trunkline(operator, "calls")).stdout
        assert "journal" in (await trunkline(operator, "show", sid)).stdout

        said = await trunkline(operator, "say", sid, "רק רגע", "--force", "--json")
        assert json.loads(said.stdout) == {"call_sid": sid, "done": True}
        creates = model.sessions[0].received_of
        await wait_until(lambda: "רק רגע" in str(creates("response.create")), "the model was made to speak")
        ended = await trunkline(operator, "hangup", sid)
        assert re.fullmatch(
            rf"{sid}: hung up \(outcome hangup\), \d+\.\d s after brain-\d was asked\n", ended.stdout
        )
        call = await live.finished()
        await bridge.until_ended(sid)
        watched = await trunkline(operator, "watch", sid, "--json")
        lines = [json.loads(line) for line in watched.stdout.splitlines()]
    assert call.end_reason == "bridge_hung_up"
    assert lines[0]["kind"] == "attached"
    assert lines[-1]["kind"] == "ended"
    assert (await trunkline(operator, "hangup", sid)).returncode == 1
    over = json.loads((await trunkline(operator, "calls", "--ended", "--since", "1h", "--json")).stdout)
    assert [row["outcome"] for row in over if row["call_sid"] == sid] == ["hangup"]
