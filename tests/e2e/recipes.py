"""Every recipe of README.md and docs/operating.md, and the command line, on a live call: the one table, and
the one way in which all shapes of Redis are tried.

Each of the recipes that look shows something; a text is said, a worker is taken out, the call is ended.
"""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.audio import FRAME_BYTES
from shared.contract.keys import COUNTED_BY
from shared.contract.speech import sound_commands
from simulators.realtime import RealtimeSimulator
from simulators.twilio import CallRecord, HangUp, LiveCall, TwilioSimulator, WaitForEnd
from tests.e2e.conftest import QUICK, Bridge, plan
from tests.e2e.shell import ROOT, Shell, blocks
from tests.support.waiting import wait_until

README = (ROOT / "README.md").read_text("utf-8")
SOUND = "0f3a"
WORDS = "רק רגע"


@dataclass(frozen=True, slots=True)
class Page:
    """The recipes of a page, in its order."""

    lines: tuple[str, ...]

    @property
    def looking(self) -> list[str]:
        """Those that change nothing."""
        return [line for line in self.lines if "XADD" not in line]

    def doing(self, what: str) -> list[str]:
        """Those that say, drain or hang up."""
        marks = {"say": "kind say", "drain": "why drain", "hangup": "kind hangup"}
        return [line for line in self.lines if marks[what] in line]


def section(name: str) -> str:
    """The part of the README between `<!-- name:begin -->` and `<!-- name:end -->`."""
    found = re.search(rf"<!-- {name}:begin -->\n(.*?)<!-- {name}:end -->", README, re.DOTALL)
    assert found, f"README.md has no part {name}"
    return found[1]


def _lines_of_readme() -> tuple[str, ...]:
    lines = [line.split("  #")[0].strip() for line in section("recipes").splitlines()]
    in_table = re.findall(r"`(redis-cli [^`]*)`", section("keys"))
    return (*(line for line in lines if line.startswith("redis-cli")), *in_table)


OF_README = Page(_lines_of_readme())
OF_OPERATING = Page(
    tuple(line for block in blocks("The recipes") for line in block.splitlines() if line.strip())
)
OF_BOTH = Page((*OF_README.lines, *OF_OPERATING.lines))


async def greeted(twilio: TwilioSimulator) -> LiveCall:
    """A call in which the agent speaks."""
    live = twilio.start_call(plan(WaitForEnd(60_000), HangUp()), QUICK)
    await wait_until(lambda: bool(live.record.playbacks), "the greeting plays", timeout_s=20)
    return live


async def recipes_on_a_call(bridge: Bridge, shell: Shell, page: Page) -> tuple[CallRecord, str]:
    """All of a page, in this shell; the call, when it is over, and the worker that is drained where the page
    does that: by then the call may have been another's."""
    async with bridge.realtime() as model, bridge.twilio() as twilio:
        live = await greeted(twilio)
        variables = await _variables(bridge, shell, live.call_sid)
        for line in page.looking:
            shown = await shell.type(line, variables)
            assert not nothing_in(line, shown), f"{line} showed {shown!r}"
        for line in page.doing("say"):
            await _is_said(model, "closing", shell, line, variables)
        for line in page.doing("drain"):
            await shell.type(line, variables)
            await _is_draining(bridge, variables["WORKER"])
        (hang_up, *_) = page.doing("hangup")
        await shell.type(hang_up, variables)
        call = await live.finished()
        await bridge.until_ended(live.call_sid)
    return call, variables["WORKER"]


async def commands_on_a_call(bridge: Bridge, shell: Shell) -> CallRecord:
    """calls, show, keys, say, hangup, and watch when it is over: for programs. The call."""
    async with bridge.realtime() as model, bridge.twilio() as twilio:
        live = await greeted(twilio)
        sid = live.call_sid
        listed, shown, sizes, known = await asyncio.gather(
            _json(shell, "calls"), _json(shell, "show", sid[-8:]), _json(shell, "keys"), shell.knows(sid)
        )
        assert [each["call_sid"] for each in listed] == [shown["call_sid"]] == [sid], listed
        assert shown["key"] == known["KEY"] == bridge.keys.card(sid), shown
        assert shown["card"]["state"] in ("attached", "live"), shown
        assert {"kind", "at_ms", "text"} == set(shown["journal"][0]), shown
        kinds = {each["pattern"]: each["keys"] for each in sizes}
        assert kinds["tl:{*}:call:CA*:journal"] >= 1, kinds

        said = await shell.trunkline("say", sid, WORDS, "--force", "--json")
        assert json.loads(said.stdout) == {"call_sid": sid, "done": True}, said
        await wait_until(lambda: WORDS in _asked(model), "the model was made to speak", timeout_s=20)
        ended = await shell.trunkline("hangup", sid)
        assert re.fullmatch(
            rf"{sid}: hung up \(outcome hangup\), \d+\.\d s after brain-\d was asked\n", ended.stdout
        ), ended
        call = await live.finished()
        await bridge.until_ended(sid)
    watched, over = await asyncio.gather(
        shell.trunkline("watch", sid, "--json"), _json(shell, "calls", "--ended", "--since", "1h")
    )
    lines = [json.loads(line)["kind"] for line in watched.stdout.splitlines()]
    assert (lines[0], lines[-1]) == ("attached", "ended"), lines
    assert [row["outcome"] for row in over if row["call_sid"] == sid] == ["hangup"], over
    return call


async def what_looks_on(bridge: Bridge, shell: Shell, archive: Path, sid: str) -> None:
    """top, doctor, archive; and drain, after which its worker takes no call. `sid`: of one that is over."""
    config = ("--offline", "--config", str(bridge.stack.config_file))
    kept = {"TRUNKLINE_ARCHIVE_URL": f"sqlite:///{archive}"}
    top, doctor, archived = await asyncio.gather(
        _json(shell, "top"), _json(shell, "doctor", *config), shell.trunkline("archive", "--once", **kept)
    )
    assert {worker["role"] for worker in top["workers"]} == {"ingress", "brain", "egress"}, top
    found = {each["what"]: each for each in doctor["findings"]}
    assert {"Redis permissions", "Redis memory", "lanes", "take-overs"} <= set(found), found
    # Two cores, and tests beside.
    failed = [each for what, each in found.items() if what != "Redis latency" and each["level"] == "fail"]
    failed = [each for each in failed if each["what"].startswith(("Redis", "lanes", "take-overs"))]
    assert not failed, failed
    assert archived.returncode == 0, archived

    (brain,) = [worker["name"] for worker in top["workers"] if worker["name"].startswith("brain-0@")]
    deleted, drained = await asyncio.gather(
        shell.trunkline("archive", "--delete", sid, "--json", **kept),
        shell.trunkline("drain", "brain-0", "--timeout", "0", "--json"),
    )
    gone = {"kept": 1, "in_redis": 1, "recordings": 0, "live": []}
    assert json.loads(deleted.stdout) == gone, deleted
    assert not await bridge.card(sid), "nothing of it is left"
    assert drained.returncode == 0, drained
    await _is_draining(bridge, brain)


def nothing_in(line: str, output: str) -> bool:
    """Whether a recipe shows nothing, or not all that it asks for: each field of an HMGET is a line."""
    fields = line.partition("HMGET")[2].split()[1:]
    shown = output.removesuffix("\n").split("\n")
    return len(shown) != len(fields) or "" in shown if fields else not output.strip()


# Private.


async def _variables(bridge: Bridge, shell: Shell, call_sid: str) -> dict[str, str]:
    """Those that recipes name, once there is something to be seen of each."""

    async def is_judged() -> bool:
        return {"verdict", "tx_q_ms", "w_ingress", "w_brain"} <= set(await bridge.card(call_sid))

    await wait_until(is_judged, "the first window is judged", timeout_s=20)
    found = await shell.knows(call_sid)
    leases = (bridge.keys.janitor(int(found["LANE"])), COUNTED_BY)

    async def has_janitor() -> bool:
        return await bridge.store.exists(*leases) == len(leases)

    await wait_until(has_janitor, "an ingress tidies up", timeout_s=20)
    # As brains do whose agents have sounds of their own.
    for command in sound_commands(SOUND, bytes(FRAME_BYTES)):
        await bridge.store.execute(command)
    card = await bridge.card(call_sid)
    owners = {"WORKER": card["egress"], "INGRESS": card["ingress"], "EGRESS": card["egress"]}
    return {**found, **owners, "SOUND": SOUND}


async def _is_said(
    model: RealtimeSimulator, words: str, shell: Shell, line: str, variables: dict[str, str]
) -> None:
    before = _asked(model).count(words)
    await shell.type(line, variables)
    await wait_until(
        lambda: _asked(model).count(words) > before, f"the model was made to speak by {line}", timeout_s=30
    )


def _asked(model: RealtimeSimulator) -> str:
    """Every response that the model was asked for."""
    return str(model.sessions[0].received_of("response.create"))


async def _is_draining(bridge: Bridge, worker: str) -> None:
    async def drains() -> bool:
        return await bridge.store.hget(bridge.keys.worker(worker), "draining") == b"1"

    await wait_until(drains, f"{worker} drains")


async def _json(shell: Shell, *words: str) -> Any:
    said = await shell.trunkline(*words, "--json")
    assert said.stdout, said
    return json.loads(said.stdout)
