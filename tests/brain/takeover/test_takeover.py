"""A brain that is gone without a word: another one goes on with the call, on a real server."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import pytest

from brain.memory.history import History
from brain.role import BrainRole
from brain.sequencer.inherit import BRIDGE
from brain.takeover.begin import INTERRUPTED
from brain.tools.toolbox import ToolResult
from shared.contract.card import BrainPending, Next, Plan
from shared.contract.streams.control import Dialled, Silent
from shared.contract.streams.doorbell import Why
from shared.contract.streams.history import ItemEntry, ItemHeard, ToolEntry, ToolState
from shared.contract.streams.reply import ReplyKind
from shared.ownership import steps
from shared.ownership.liveness import How, WorkerStanding, WorkerState
from shared.process.beat import beat
from shared.process.role import Process
from shared.process.tasks import end_task
from shared.store.client import Store
from simulators.realtime import Knobs, RealtimeSimulator, ResponseKnobs
from tests.brain.stage import KEYS, Line, brain, clip, drop, line, serving, write_script
from tests.brain.takeover.staff import Siblings
from tests.support.reading import waiting_reads
from tests.support.waiting import wait_until

SLOW = Knobs(response=ResponseKnobs(first_audio_ms=20, speed_factor=2))
QUICK = Knobs(response=ResponseKnobs(first_audio_ms=20, speed_factor=50))


async def bereave(process: Process, dead: Process) -> None:
    """The dead one is seen."""
    await drop(dead)
    neighbours = process.neighbours
    assert neighbours.on_dead is not None
    await neighbours.on_dead(dead.name, How.EXITED)


def entries(here: Line, kind: ReplyKind) -> int:
    return here.kinds().count(kind)


async def looks_for_no_calls(store: Store, process: Process) -> bool:
    """Whether its dispatch does not block on `calls`."""
    return not await waiting_reads(store, f"{process.name}:calls")


async def heard_of(here: Line) -> dict[str, int]:
    return {entry.item_id: entry.ms for entry in await here.history() if isinstance(entry, ItemHeard)}


async def test_an_answer_that_broke_off_is_gone_on_with(store: Store, redis_url: str) -> None:
    """A brain is gone in the middle of its greeting: the next one ends the item that was left open, asks for
    the rest and for no second greeting, and tells the model what there was of it."""
    async with (
        RealtimeSimulator(knobs=SLOW) as sim,
        brain(redis_url, sim, number=1) as (dead, _),
        line(store, redis_url) as here,
    ):
        here.hold_at_ms = 0
        await wait_until(lambda: entries(here, ReplyKind.AUDIO) >= 3, "the greeting is being said")
        async with brain(redis_url, sim) as (process, role):
            await bereave(process, dead)
            await wait_until(lambda: entries(here, ReplyKind.RESPONSE_END) >= 2, "the rest is in reply")

            assert role.live_calls() == 1
            item_id, _ = here.items()
            kept = here.audio_of(item_id)
            assert clip("en_model_greeting").startswith(kept)
            end = next(entry for entry in here.reply if entry.kind is ReplyKind.ITEM_END)
            assert (end.item_id, end.offset_bytes) == (item_id, len(kept))
            heir = sim.sessions[-1]
            (create,) = heir.received_of("response.create")
            assert BRIDGE in create["response"]["instructions"]
            texts = [e for e in await here.history() if isinstance(e, ItemEntry) and e.item_id == item_id]
            assert texts[-1].final
            assert texts[-1].text.endswith("…")
            assert heir.violations == []
            await here.end()
            await wait_until(lambda: role.live_calls() == 0, "the call is forgotten")


async def test_an_interruption_flushes_what_the_dead_one_had_said(store: Store, redis_url: str) -> None:
    """The dead brain's audio still plays when the caller speaks: it is flushed, and what was heard of it is
    noted and told to the model."""
    async with (
        RealtimeSimulator(knobs=QUICK) as sim,
        brain(redis_url, sim, number=1) as (dead, _),
        line(store, redis_url) as here,
    ):
        here.hold_at_ms = 600
        await wait_until(lambda: entries(here, ReplyKind.RESPONSE_END) == 1, "the greeting is in reply")
        async with brain(redis_url, sim) as (process, role):
            await bereave(process, dead)
            await serving(role)
            await here.speak(clip("en_caller_ask"))
            await wait_until(lambda: entries(here, ReplyKind.FLUSH) == 1, "the greeting is flushed")
            await wait_until(lambda: entries(here, ReplyKind.RESPONSE_END) == 2, "the turn is answered")

            item_id = here.items()[0]
            assert (await heard_of(here))[item_id] == 600
            assert sim.sessions[-1].received_of("response.create") == []
            await here.end()
            await wait_until(lambda: role.live_calls() == 0, "the call is forgotten")


async def test_a_brain_that_gets_its_own_call_back_says_nothing_again(store: Store, redis_url: str) -> None:
    """It stood still, was taken for dead, and is the next to take the call: its greeting is in `reply` and
    plays on, nobody has lost anything, and nothing is asked of the model."""
    async with (
        RealtimeSimulator(knobs=QUICK) as sim,
        brain(redis_url, sim) as (process, role),
        line(store, redis_url) as here,
    ):
        here.hold_at_ms = 600
        await wait_until(lambda: entries(here, ReplyKind.RESPONSE_END) == 1, "the greeting is in reply")
        capacity, process.capacity = process.capacity, -10  # It notices before it looks for calls.
        await wait_until(partial(looks_for_no_calls, store, process), "the read under way has ended")
        calls = await steps.disown(store, KEYS, 0, role="brain", dead=process.name, by="brain-1@h#x")
        assert len(calls) == 1
        await wait_until(lambda: role.live_calls() == 0, "its write was refused")
        process.capacity = capacity
        await wait_until(lambda: len(sim.sessions) == 2, "it has the call again")
        await serving(role)
        await here.speak(clip("en_caller_ask"))
        await wait_until(lambda: entries(here, ReplyKind.RESPONSE_END) == 2, "the turn is answered")

        assert sim.sessions[-1].received_of("response.create") == []
        assert entries(here, ReplyKind.FLUSH) == 1, "the greeting was being heard"
        await here.end()
        await wait_until(lambda: role.live_calls() == 0, "the call is forgotten")


async def test_a_turn_that_nobody_answered_is_answered_once(store: Store, redis_url: str) -> None:
    """A brain is gone while the caller speaks: the next session hears the whole turn, and answers it once."""
    async with (
        RealtimeSimulator(knobs=QUICK) as sim,
        brain(redis_url, sim, number=1) as (dead, _),
        line(store, redis_url) as here,
    ):
        await wait_until(lambda: entries(here, ReplyKind.RESPONSE_END) == 1, "the greeting is in reply")
        asked = clip("en_caller_ask")
        speaking = asyncio.create_task(here.speak(asked))
        await sim.wait_for(lambda: bool(sim.sessions[0].sent_of("input_audio_buffer.speech_started")))
        async with brain(redis_url, sim) as (process, role):
            await bereave(process, dead)
            await speaking
            await wait_until(lambda: entries(here, ReplyKind.RESPONSE_END) == 2, "the turn is answered")

            heir = sim.sessions[-1]
            await wait_until(lambda: _is_written(here), "what the caller said is written down, once")
            assert len(heir.sent_of("response.created")) == 1
            assert heir.violations == []
            await here.end()
            await wait_until(lambda: role.live_calls() == 0, "the call is forgotten")


@pytest.mark.parametrize("is_written", [True, False])
async def test_a_tool_that_did_not_end_is_answered_for_and_not_run_again(
    store: Store, redis_url: str, tmp_path: Path, is_written: bool
) -> None:
    """The model is told that it was interrupted, and speaks. So it does if the caller's words were not
    written down yet: it is told their sound, and they are not said again."""
    script = write_script(tmp_path, ("check_order", '{ number = "12345" }'))
    async with (
        RealtimeSimulator(knobs=QUICK, script=script) as sim,
        brain(redis_url, sim, number=1) as (dead, role),
        line(store, redis_url) as here,
    ):
        call = await serving(role)
        toolbox = call._parts.tools.toolbox
        started = asyncio.Event()

        async def hang(*_: object) -> ToolResult:
            started.set()
            return await asyncio.Future[ToolResult]()

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(toolbox), "run", hang)
            if not is_written:
                patch.setattr(History, "user_text", lambda *_: None)
            await wait_until(lambda: entries(here, ReplyKind.RESPONSE_END) == 1, "the greeting is in reply")
            await here.speak(clip("en_caller_number"))
            await started.wait()
            if is_written:
                await wait_until(lambda: _is_written(here), "what the caller said is written down")
            await dead.outbox.flushed(1.0)
            async with brain(redis_url, sim) as (process, heir):
                await bereave(process, dead)
                await wait_until(lambda: entries(here, ReplyKind.RESPONSE_END) == 2, "the model speaks")

                tools = [entry for entry in await here.history() if isinstance(entry, ToolEntry)]
                assert [tool.state for tool in tools] == [ToolState.STARTED, ToolState.RESULT]
                assert tools[1].value == INTERRUPTED
                told = sim.sessions[-1].received_of("conversation.item.create")
                assert [e["item"]["output"] for e in told if "output" in e["item"]] == [INTERRUPTED]
                assert heir.counters.tools_run == 0
                past = [part for e in told for part in e["item"].get("content", ())]
                assert any(part["type"] == "input_audio" for part in past) is not is_written
                assert len(sim.sessions[-1].sent_of("input_audio_buffer.speech_started")) == 0
                await here.end()
                await wait_until(lambda: heir.live_calls() == 0, "the call is forgotten")


async def test_a_farewell_is_heard_and_the_call_ends(store: Store, redis_url: str) -> None:
    """A brain is gone between its farewell and the hang-up: the next one hangs up when it was heard, and says
    nothing more."""
    async with (
        RealtimeSimulator(knobs=QUICK) as sim,
        brain(redis_url, sim, number=1) as (dead, role),
        line(store, redis_url) as here,
    ):
        await serving(role)
        await wait_until(lambda: entries(here, ReplyKind.RESPONSE_END) == 1, "the greeting is in reply")
        here.hold_at_ms = 0
        await here.type("hangup", reason="test", farewell="Say goodbye.")
        await wait_until(lambda: entries(here, ReplyKind.RESPONSE_END) == 2, "the farewell is in reply")
        await here.card_says("pending", "hangup")
        async with brain(redis_url, sim) as (process, heir):
            await bereave(process, dead)
            await wait_until(lambda: heir.counters.sessions_confirmed == 1, "it has a session")
            assert await here.closes() == set()
            last = here.reply[-1]
            here._tell(
                Silent(
                    cut=last.cut, response_id=last.response_id, item_id=here.items()[-1], heard_ms=60_000,
                    frames_waiting=0, cause="played",
                )
            )  # fmt: skip
            await here.card_says("next", "hangup")

            assert sim.sessions[-1].received_of("response.create") == []
            await here.end()
            await wait_until(lambda: heir.live_calls() == 0, "the call is forgotten")


async def test_a_caller_who_was_sent_away_comes_back_to_the_heir(store: Store, redis_url: str) -> None:
    """A brain is gone while a number is dialled: the next one does not dial again, waits, and answers the
    tool's call with what became of it."""
    async with (
        RealtimeSimulator(knobs=QUICK) as sim,
        brain(redis_url, sim, number=1) as (dead, role),
        line(store, redis_url) as here,
    ):
        await serving(role)
        await wait_until(lambda: entries(here, ReplyKind.RESPONSE_END) == 1, "the greeting is in reply")
        (call,) = role._calls.values()
        call._parts.record.tool("call-1", "transfer_call", ToolState.STARTED, "{}")
        call._owner.card(
            BrainPending(
                pending=Next.DIAL, pending_arg="+1", pending_call="call-1", pending_leg=1, pending_said=False
            )
        )
        call._owner.card(Plan(next=Next.DIAL, next_arg="+1", cause="move_dial"))
        await here.card_says("pending", "dial")
        async with brain(redis_url, sim) as (process, heir):
            await bereave(process, dead)
            await wait_until(lambda: heir.counters.sessions_confirmed == 1, "it has a session")
            await wait_until(lambda: _is_closed(here), "the stream is to be closed: that word may be lost")
            await here.attach()
            await here.say(Dialled(status="busy"))
            await wait_until(lambda: entries(here, ReplyKind.RESPONSE_END) == 2, "the model speaks")

            (result,) = [
                e for e in await here.history() if isinstance(e, ToolEntry) and e.state is ToolState.RESULT
            ]
            assert "not_connected" in result.value
            await here.card_says("pending", "")
            await here.end()
            await wait_until(lambda: heir.live_calls() == 0, "the call is forgotten")


async def _is_closed(here: Line) -> bool:
    return (1, "move_dial") in await here.closes()


async def _is_written(here: Line) -> bool:
    return len([e for e in await here.history() if isinstance(e, ItemEntry) and e.is_callers and e.text]) == 1


async def meet(store: Store, *brains: tuple[Process, BrainRole]) -> None:
    """Brains that have seen one another beat."""
    seen = [WorkerStanding(process.name, WorkerState.BEATING, 0.0) for process, _ in brains]
    for process, role in brains:
        process.spawn(beat(process, role, asyncio.Event()), "beat")
        process.neighbours.standings = lambda: seen  # type: ignore[method-assign]
    keys = [KEYS.worker(process.name) for process, _ in brains]

    async def are_seen() -> bool:
        return await store.exists(*keys) == len(keys)

    await wait_until(are_seen, "all of them beat")


async def test_a_live_call_is_handed_over_at_a_quiet_moment(store: Store, redis_url: str) -> None:
    """The heir has a session before it has the call; nothing is said twice, nothing is left out, and the next
    turn is answered with what was said before."""
    async with (
        RealtimeSimulator(knobs=QUICK) as sim,
        brain(redis_url, sim, number=1) as (old, role),
        brain(redis_url, sim) as (process, heir),
        line(store, redis_url) as here,
    ):
        await wait_until(lambda: entries(here, ReplyKind.RESPONSE_END) == 1, "the greeting is in reply")
        giver, taker = (role, heir) if role.live_calls() else (heir, role)
        leaving, other = (old, process) if giver is role else (process, old)
        await meet(store, (old, role), (process, heir))
        leaving.draining = True
        await asyncio.wait_for(giver.drain(), 10.0)

        await wait_until(lambda: taker.live_calls() == 1, "the heir has it")
        assert (await here.card())["brain"] == other.name
        assert sim.sessions[1].headers["x-client-request-id"].split("/")[1].startswith("p")
        await wait_until(lambda: taker.counters.sessions_confirmed == 1, "its session serves")
        assert len(sim.sessions) == 2
        await here.speak(clip("en_caller_ask"))
        await wait_until(lambda: entries(here, ReplyKind.RESPONSE_END) == 2, "the turn is answered")
        assert sim.sessions[1].received_of("response.create") == []
        (seeded,) = sim.sessions[1].received_of("conversation.item.create")
        assert seeded["item"]["role"] == "assistant"
        assert sim.sessions[1].violations == []
        assert giver.counters.given_up == taker.counters.given_up == 0
        await here.end()
        await wait_until(lambda: taker.live_calls() == 0, "the call is forgotten")


async def test_the_only_brain_leaves_its_calls_to_the_next_boot(store: Store, redis_url: str) -> None:
    """Nobody is there: it is released at once, without an apology, and whoever starts next goes on."""
    async with (
        RealtimeSimulator(knobs=QUICK) as sim,
        line(store, redis_url) as here,
    ):
        async with brain(redis_url, sim, number=1) as (old, role):
            await wait_until(lambda: entries(here, ReplyKind.RESPONSE_END) == 1, "the greeting is in reply")
            await meet(store, (old, role))
            old.draining = True
            await asyncio.wait_for(role.drain(), 5.0)
        card = await here.card()
        assert (card["next"], card["brain"]) == ("", "")
        async with brain(redis_url, sim, number=1) as (_, heir):
            await wait_until(lambda: heir.live_calls() == 1, "the next boot has it")
            await here.speak(clip("en_caller_ask"))
            await wait_until(lambda: entries(here, ReplyKind.RESPONSE_END) == 2, "the turn is answered")
            assert sim.sessions[1].received_of("response.create") == []
            await here.end()
            await wait_until(lambda: heir.live_calls() == 0, "the call is forgotten")


async def test_a_second_signal_does_not_wait_for_an_heir(store: Store, redis_url: str) -> None:
    """The heir opens its session still: the call is released at once, without a word, for whoever comes
    first."""
    async with RealtimeSimulator(knobs=QUICK) as sim, line(store, redis_url) as here:
        async with brain(redis_url, sim, number=1) as (old, role):
            await wait_until(lambda: entries(here, ReplyKind.RESPONSE_END) == 1, "the greeting is in reply")
            siblings = Siblings(store)
            heir = await siblings.add(2)
            old.neighbours.standings = siblings.standings  # type: ignore[method-assign]
            old.draining = True
            drain = asyncio.create_task(role.drain())
            await wait_until(lambda: _is_asked(siblings, heir), "the heir is asked")
            await end_task(drain)
            assert role.live_calls() == 1
        card = await here.card()
        assert (card["next"], card["brain"], card["state"]) == ("", "", "attached")
        async with brain(redis_url, sim) as (_, taker):
            await wait_until(lambda: taker.counters.sessions_confirmed == 1, "another one goes on")
            await here.end()
            await wait_until(lambda: taker.live_calls() == 0, "the call is forgotten")


async def test_an_operators_drain_hands_over(store: Store, redis_url: str) -> None:
    """The process stays, without calls."""
    async with (
        RealtimeSimulator(knobs=QUICK) as sim,
        brain(redis_url, sim, number=1) as (one, role_one),
        brain(redis_url, sim) as (two, role_two),
        line(store, redis_url) as here,
    ):
        await wait_until(lambda: entries(here, ReplyKind.RESPONSE_END) == 1, "the greeting is in reply")
        (leaving, giver), (_, taker) = sorted(
            ((one, role_one), (two, role_two)), key=lambda each: -each[1].live_calls()
        )
        await meet(store, (one, role_one), (two, role_two))
        one.ring(0, leaving.name, "", Why.DRAIN)
        await wait_until(lambda: taker.live_calls() == 1, "the other one has it")
        await wait_until(lambda: giver.live_calls() == 0, "it has none any more")
        assert (leaving.draining, leaving.fatal) == (True, None)
        await here.speak(clip("en_caller_ask"))
        await wait_until(lambda: entries(here, ReplyKind.RESPONSE_END) == 2, "the turn is answered")
        assert entries(here, ReplyKind.FLUSH) == 0
        await here.end()
        await wait_until(lambda: taker.live_calls() == 0, "the call is forgotten")


async def test_an_operators_drain_of_the_only_brain_leaves_its_calls_to_it(
    store: Store, redis_url: str
) -> None:
    """Nobody else would serve them; new ones are not taken."""
    async with (
        RealtimeSimulator(knobs=QUICK) as sim,
        brain(redis_url, sim) as (process, role),
        line(store, redis_url) as here,
    ):
        await wait_until(lambda: entries(here, ReplyKind.RESPONSE_END) == 1, "the greeting is in reply")
        await meet(store, (process, role))
        process.ring(0, process.name, "", Why.DRAIN)
        await wait_until(lambda: bool(role._giving._under_way), "it has looked for somebody")
        await here.speak(clip("en_caller_ask"))
        await wait_until(lambda: entries(here, ReplyKind.RESPONSE_END) == 2, "the turn is answered")
        assert (role.live_calls(), len(sim.sessions)) == (1, 1)
        await here.end()
        await wait_until(lambda: role.live_calls() == 0, "the call is forgotten")


async def _is_asked(siblings: Siblings, heir: str) -> bool:
    return [ring.why for ring in await siblings.rung(heir)] == [Why.PREPARE]
