"""`make prove-operations`: faults on purpose, and whether the verdict names the right one, soon, once.

Why it exists: a wrong verdict sends an operator to the wrong machine. Owns: the run of six faults (a slow
model, a Twilio socket that is not read, a busy loop in each role, a slow Redis), each with twenty live calls.
Must not know: what a fault does (`faults`) or what is promised of its verdicts (`verdicts`).

Prints a table; ends with 1 when a verdict was wrong, late, repeated, or blamed a call that had no fault.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from console.calls import live
from console.stack.launcher import Stack
from console.stack.plan import StackOptions
from console.stack.ports import free_port
from proofs.measure import own_share
from proofs.prove import verdicts
from proofs.prove.faults import FAULT_AT_S, TALKATIVE, Fault, FinishedCall, Target, faults
from proofs.prove.roles import becoming, busy
from shared.contract.keys import Keys
from shared.contract.streams.journal import MAXLEN
from shared.contract.views import PeopleView
from shared.contract.worker import ROLES
from shared.ownership.steps import read_view
from shared.store.client import Store, make_store
from simulators import clips
from simulators.realtime import RealtimeSimulator
from simulators.twilio import CallRecord, Clip, TwilioSimulator
from simulators.twilio.caller.plan import CallPlan, conversation

CALLS = 20
SECONDS = 32.0


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="make prove-operations",
        description="Faults on purpose: does the verdict name the right one, within two windows, once?",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    names = [fault.name for fault in faults()]
    parser.add_argument("--calls", type=int, default=CALLS, help="live calls of each fault")
    parser.add_argument("--seed", type=int, default=1, help="of callers and model")
    parser.add_argument("--only", choices=names, action="append", help="a fault; may be repeated")
    return own_share.run(_prove(parser.parse_args()))


# Private.


async def _prove(arguments: argparse.Namespace) -> int:
    console = Console(width=130)
    chosen = [each for each in faults() if not arguments.only or each.name in arguments.only]
    table = Table(
        "fault", "verdict", "named", "after ms, most", "warnings", "others blamed", title="operations"
    )
    broken: list[str] = []
    async with _target(console) as (target, port):
        for fault in chosen:
            console.print(f"{fault.name}: {arguments.calls} calls of {SECONDS:.0f} s …")
            outcome = await _try(target, port, fault, arguments.calls, arguments.seed)
            table.add_row(*verdicts.row(fault, outcome))
            broken += [f"{fault.name}: {sentence}" for sentence in verdicts.broken(outcome)]
            for line in [*outcome.wrong[:5], *outcome.repeated[:5], *outcome.others_blamed[:5]]:
                console.print(f"  {line}")
    console.print(table)
    for line in broken:
        console.print(f"[red]broken:[/red] {line}")
    console.print("all verdicts right" if not broken else f"{len(broken)} promises broken")
    return 1 if broken else 0


@asynccontextmanager
async def _target(console: Console) -> AsyncIterator[tuple[Target, int]]:
    port = free_port()
    options = StackOptions(
        name="prove-operations",
        model_base_url=f"http://127.0.0.1:{port}/v1",
        environment={"TRUNKLINE_LOG_LEVEL": "info", "TRUNKLINE_MAX_CALLS": "1000"},
        commands=becoming.commands(busy.__name__),
        ready_timeout_s=60,
    )
    async with Stack(options, progress=console.print) as stack:
        store = make_store(stack.redis_url, name="prove", timeout_s=5.0)
        yield Target(stack, store), port
        await store.aclose()


async def _try(target: Target, port: int, fault: Fault, calls: int, seed: int) -> verdicts.Outcome:
    with tempfile.TemporaryDirectory(prefix="trunkline-operations-") as folder:
        script = Path(folder) / "script.toml"
        script.write_text(TALKATIVE)
        is_text = fault.script == TALKATIVE
        async with (
            RealtimeSimulator(
                port=port, script=str(script) if is_text else fault.script, knobs_for=fault.model
            ) as model,
            TwilioSimulator(
                voice_url=f"{target.stack.public_url}/voice",
                auth_token=target.stack.auth_token,
                dial=f"127.0.0.1:{target.stack.public_port}",
                seed=seed,
            ) as twilio,
        ):
            injected_ms = [0.0]
            injecting = asyncio.create_task(_inject(target, fault, injected_ms))
            records = await asyncio.gather(*(_call(target, twilio, fault, n, seed) for n in range(calls)))
            await injecting
            await asyncio.sleep(1.5)  # The last sessions close; nothing waits for this in a test.
            slow = {
                session.headers.get("x-client-request-id", "").partition("/")[0]
                for session in model.sessions
                if session.knobs.response.first_audio_ms
            }
            outcome = verdicts.Outcome()
            for number, record in enumerate(records):
                call = await _read_call(target.store, number, record, is_slow=record.call_sid in slow)
                verdicts.judge(outcome, fault, call, injected_ms[0])
            return outcome


async def _inject(target: Target, fault: Fault, injected_ms: list[float]) -> None:
    await asyncio.sleep(FAULT_AT_S)
    injected_ms[0] = time.time() * 1000
    if fault.inject is not None:
        await fault.inject(target)


async def _call(target: Target, twilio: TwilioSimulator, fault: Fault, number: int, seed: int) -> CallRecord:
    await asyncio.sleep(random.Random(f"{seed}/{number}").uniform(0, 1.5))  # Not all in the same instant.
    talk = [Clip(clips.load(name), name) for name in ("en_caller_ask", "en_caller_number")]
    plan = CallPlan(
        conversation(talk, seed=seed * 1000 + number),
        hang_up_after_ms=SECONDS * 1000,
        stop_at_failure=False,
        status_callback=f"{target.stack.public_url}/call-status",
    )
    return await twilio.call(plan, fault.stream(number))


async def _read_call(store: Store, number: int, record: CallRecord, *, is_slow: bool) -> FinishedCall:
    keys, sid = Keys(1), record.call_sid
    card = await read_view(store, keys, sid, PeopleView)
    workers = ("", "", "") if card is None else (card.ingress, card.brain, card.egress)
    journal = await live.read_newest_journal(store, keys, sid, MAXLEN)
    return FinishedCall(number, record, dict(zip(ROLES, workers, strict=True)), journal, is_slow)


if __name__ == "__main__":
    sys.exit(main())
