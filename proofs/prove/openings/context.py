"""`make prove-context`: a hundred calls whose callers are asked about: of a good system, and of all bad ones.

Why it exists: what is asked before a greeting is code that we never see, on the way of every call. Owns:
those calls, who was to answer each and when, the search for what is known of callers in what is written. Must
not know: how anybody is asked.

Prints a row for each manner; ends with 1 where a caller waited too long, heard somebody else, or can be read
about in a log.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from brain.signing import signed_headers
from console.stack.launcher import Stack
from console.stack.ports import free_port
from proofs.measure import load, own_share
from proofs.prove.judge import sessions_of
from proofs.prove.openings.answerer import LINES, Asked, ContextServer, Manner
from proofs.prove.openings.first_second import wait_ms
from proofs.prove.promises import Broken, conclude, true_of
from shared.contract.worker import ROLES
from simulators.realtime import Knobs, RealtimeSimulator
from simulators.realtime.record import SessionRecord
from simulators.twilio import CallRecord
from simulators.twilio.caller.plan import CallPlan, Pause, Step, WaitForEnd, WaitForSpeech
from simulators.twilio.measures import percentile

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
FALLBACK = "+15550009999"
MANNERS = tuple(Manner)

AGENTS = """
[default]
instructions = "You are the desk. The caller is {{name}}."
greeting = "Greet the caller."
[agents.sales]
instructions = "You are sales. The caller is {{name}}."
"""

SPACING_S = 0.15
OPENING_MS = 400.0
"""Of a session: longer than a good system thinks."""

GREETED_MS = 3_000.0
"""From the webhook to the first sound, where an answer comes at once, though it may not be one."""

WITHIN_MS = 2_000.0
"""What an answer that does not come may cost on top of it (TRUNKLINE_INCOMING_WITHIN_S)."""

CANARY = "Canary"
"""What every caller is called who has a name."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One call."""

    manner: Manner
    caller: str
    waited_ms: float | None
    """To the first sound; None: there was none."""
    spoke_as: tuple[str, ...]
    """The instructions under which the model said anything, one each time that it did."""
    read_out: tuple[str, ...]
    """What Twilio's voice said."""
    dialled: bool
    asked: int
    is_signed: bool
    """Every request about it."""


@dataclass(slots=True)
class Outcome:
    """What was seen."""

    calls: list[Seen] = field(default_factory=list)
    logs: list[str] = field(default_factory=list)
    """Files that were looked through: those that say anything."""
    leaks: list[str] = field(default_factory=list)
    """Of them, those in which a caller can be read about."""


def caller_of(number: int) -> str:
    """The number of the `number`th caller: it says in which manner they are asked about."""
    return f"+1555{number % len(MANNERS):02d}{number:05d}"


def manner_of(caller: str) -> Manner:
    """See `caller_of`."""
    return MANNERS[int(caller[5:7])]


def answer_of(caller: str) -> Mapping[str, Any]:
    """What a good system says."""
    return {"agent": "sales", "variables": {"name": f"{CANARY} {caller[-5:]}"}, "limits": {"hard_cap_s": 600}}


def expected(manner: Manner, caller: str) -> str:
    """The instructions under which a caller is greeted; empty: they are not."""
    name = f"{CANARY} {caller[-5:]}"
    match manner:
        case Manner.GOOD:
            return f"You are sales. The caller is {name}."
        case Manner.WRITES_LINES:
            return f"You are sales. The caller is {' '.join(LINES.split())}."
        case Manner.NOBODY:
            return f"You are the desk. The caller is {name}."
        case Manner.REFUSES:
            return ""
        case _:
            return "You are the desk. The caller is ."


def spoke_as(session: SessionRecord) -> list[str]:
    """The instructions that a session had at each of its responses."""
    found, now = [], ""
    for timed in session.sent:
        match timed.type:
            case "session.updated":
                told = timed.event["session"]
                now = str(told["instructions"]) if isinstance(told, dict) else ""
            case "response.created":
                found.append(now)
    return found


def is_signed(asked: Asked) -> bool:
    """Whether a request can be believed."""
    headers = asked.headers
    at_s = int(headers.get("webhook-timestamp", "0"))
    signed = signed_headers(SECRET, headers.get("webhook-id", ""), at_s, asked.body)
    return headers.get("webhook-signature") == signed["webhook-signature"]


def words_of(callers: Iterable[str], refusal: str) -> list[str]:
    """What no log may say: what is known of callers, their numbers in full, what they are refused with."""
    return [CANARY, LINES.split("\n")[-1], refusal, *(caller.removeprefix("+") for caller in callers)]


def look_through(files: Iterable[Path], words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Files that say anything, and those of them that say one of the words."""
    texts = {path.name: path.read_text("utf-8", errors="replace") for path in files}
    said = [name for name, text in texts.items() if text.strip()]
    return said, [name for name in said if any(word in texts[name] for word in words)]


def shares(calls: int) -> str:
    """How many calls there are of each manner, in words."""
    each, left = divmod(calls, len(MANNERS))
    return f"{each} or {each + 1}" if left else f"{each}"


def promises(outcome: Outcome, refusal: str) -> Broken:
    """What must not be true."""
    broken: Broken = {f"{', '.join(outcome.leaks)}: callers can be read about": bool(outcome.leaks)}
    for role in ROLES:
        looked_at = any(name.startswith(role) for name in outcome.logs)
        broken[f"{role}: it has no log that could be looked through"] = not looked_at
    for manner in MANNERS:
        calls = [call for call in outcome.calls if call.manner is manner]
        limit_ms = GREETED_MS + (WITHIN_MS if manner is Manner.SLOW else 0.0)
        waits = [call.waited_ms for call in calls if call.waited_ms is not None]
        others = [call for call in calls if set(call.spoke_as) - {expected(manner, call.caller)}]
        unasked = [call for call in calls if call.asked != 1 or not call.is_signed]
        broken |= {
            f"{manner}: nobody called": not calls,
            f"{manner}: {len(others)} callers heard somebody else": bool(others),
            f"{manner}: {len(unasked)} callers were not asked about once, with a signature": bool(unasked),
        }
        if manner is Manner.REFUSES:
            unheard = [call for call in calls if call.read_out != (refusal,)]
            spoken = [call for call in calls if call.spoke_as or call.dialled]
            broken |= {
                f"{manner}: {len(unheard)} callers did not hear why": bool(unheard),
                f"{manner}: {len(spoken)} callers were spoken to, or put through": bool(spoken),
            }
        else:
            broken |= {
                f"{manner}: {len(calls) - len(waits)} callers heard nothing": len(waits) < len(calls),
                f"{manner}: {max(waits, default=0.0):.0f} ms to a greeting, {limit_ms:.0f} allowed": any(
                    wait > limit_ms for wait in waits
                ),
                f"{manner}: Twilio's voice spoke": any(call.read_out for call in calls),
            }
    return broken


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="make prove-context",
        description="Calls whose callers are asked about, of a system that answers in every manner.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--calls", type=int, default=100, help="calls, spread evenly over the manners")
    parser.add_argument("--seed", type=int, default=1, help="of callers and model")
    return own_share.run(_prove(parser.parse_args()))


# Private.


async def _prove(arguments: argparse.Namespace) -> int:
    console, outcome = Console(), Outcome()
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="trunkline-context-") as folder:
        agents = Path(folder) / "agents.toml"
        agents.write_text(AGENTS, "utf-8")
        async with ContextServer(manner_of, answer_of) as server:
            options = load.options(
                "context",
                port,
                TRUNKLINE_AGENTS_FILE=str(agents),
                TRUNKLINE_INCOMING_URL=server.url,
                TRUNKLINE_WEBHOOK_SECRET=SECRET,
                TRUNKLINE_FALLBACK_NUMBER=FALLBACK,
                TRUNKLINE_LOG_LEVEL="debug",
            )
            async with Stack(options, progress=console.print) as stack:
                each = f"{shares(arguments.calls)} of each"
                console.print(f"{arguments.calls} calls, {len(MANNERS)} manners of answering, {each} …")
                outcome.calls = await _play(stack, server, port, arguments)
            words = words_of((call.caller for call in outcome.calls), server.refusal)
            outcome.logs, outcome.leaks = look_through(sorted(stack.run_dir.glob("*.log")), words)
    console.print(_table(outcome.calls))
    console.print(f"logs looked through: {', '.join(outcome.logs) or 'none'}", soft_wrap=True)
    return conclude(console, true_of(promises(outcome, server.refusal)))


async def _play(stack: Stack, server: ContextServer, port: int, arguments: argparse.Namespace) -> list[Seen]:
    knobs = Knobs(seed=arguments.seed, opening_ms=OPENING_MS)
    async with (
        RealtimeSimulator(port=port, knobs=knobs) as model,
        load.carrier(stack, arguments.seed) as twilio,
    ):
        calls = []
        for number in range(arguments.calls):
            calls.append(twilio.start_call(_plan(caller_of(number), stack)))
            await asyncio.sleep(SPACING_S)
        records = await asyncio.gather(*(call.finished() for call in calls))
        return [_seen(record, model.sessions, server) for record in records]


def _plan(caller: str, stack: Stack) -> CallPlan:
    steps: list[Step] = [WaitForSpeech(), Pause(1_500)]
    if manner_of(caller) is Manner.REFUSES:
        steps = [WaitForEnd()]
    return CallPlan(
        steps,
        from_number=caller,
        status_callback=f"{stack.public_url}/call-status",
        stop_at_failure=False,
    )


def _seen(record: CallRecord, sessions: Sequence[SessionRecord], server: ContextServer) -> Seen:
    asked = server.asked_of(record.call_sid)
    return Seen(
        manner=manner_of(record.from_number),
        caller=record.from_number,
        waited_ms=wait_ms(record),
        spoke_as=tuple(each for session in sessions_of(record, sessions) for each in spoke_as(session)),
        read_out=tuple(verb.detail for verb in record.verbs if verb.name == "Say"),
        dialled=any(verb.name == "Dial" for verb in record.verbs),
        asked=len(asked),
        is_signed=all(is_signed(each) for each in asked),
    )


def _table(calls: Sequence[Seen]) -> Table:
    table = Table("manner", "calls", "webhook to sound, ms: p50, most", "asked", title="who calls")
    for manner in MANNERS:
        mine = [call for call in calls if call.manner is manner]
        waits = [call.waited_ms for call in mine if call.waited_ms is not None]
        shown = f"{percentile(waits, 0.5):.0f}, {max(waits):.0f}" if waits else "none"
        table.add_row(manner, str(len(mine)), shown, str(sum(call.asked for call in mine)))
    return table


if __name__ == "__main__":
    sys.exit(main())
