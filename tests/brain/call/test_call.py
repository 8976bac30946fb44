"""The driver of a call: its one door to the sequencer, and what it says of the call every three seconds."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from brain.call import leaving, parts
from brain.model.lifeline import Rollover
from brain.sequencer import SequencerConfig
from brain.sequencer.actions import RunTool, SendCancel, SendCreate
from brain.sequencer.inputs import Input, ResponseCreated, SpeechStarted, ToolCalled
from brain.sequencer.notice import is_notice, number_of
from shared.contract.card import Next
from shared.contract.streams.control import Detached
from shared.contract.streams.history import ToolEntry
from shared.contract.streams.journal import Kind
from shared.contract.streams.reply import ReplyKind
from shared.contract.window import BrainWindow, load
from shared.figures import rolling
from shared.store.client import Store
from simulators.realtime import Knobs, RealtimeSimulator, ResponseKnobs
from tests.brain.agents.sounds import write_tone
from tests.brain.stage import KEYS, Line, brain, line, serving
from tests.brain.toy_engine import ToyEngine, use_toys
from tests.support.waiting import wait_until


@pytest.fixture(autouse=True)
def _short_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rolling, "WINDOW_MS", 400.0)


async def windows(here: Line, count: int) -> list[BrainWindow]:
    """The next windows that are written."""
    found: list[BrainWindow] = []

    async def came() -> bool:
        text = (await here.card()).get("w_brain")
        window = load(BrainWindow, text) if text else None
        if window is not None and (not found or window.at_ms != found[-1].at_ms):
            found.append(window)
        return len(found) > count

    await wait_until(came, f"{count} more windows are on the card")
    return found[1:]  # The first one stood there before.


async def test_a_call_on_its_way_out_goes_on_saying_how_its_process_fares(
    store: Store, redis_url: str
) -> None:
    """Egress would blame a process that says nothing; and a model that is let go of owes nothing."""
    async with (
        RealtimeSimulator(knobs=Knobs(connect_status=401)) as sim,
        brain(redis_url, sim) as (process, _),
        line(store, redis_url) as here,
    ):
        await here.card_says("next", "apology")

        found = await windows(here, 2)
        assert [window.quiet_ms for window in found] == [0, 0]
        assert {window.worker for window in found} == {process.name}
        await here.end()


async def test_a_model_owes_nothing_while_the_caller_is_away(store: Store, redis_url: str) -> None:
    """Nobody waits for it then."""
    slow = Knobs(response=ResponseKnobs(first_audio_ms=60_000))
    async with (
        RealtimeSimulator(knobs=slow) as sim,
        brain(redis_url, sim),
        line(store, redis_url) as here,
    ):
        await sim.wait_for(lambda: bool(sim.sessions and sim.sessions[0].received_of("response.create")))
        assert (await windows(here, 2))[-1].quiet_ms > 0
        await here.say(Detached(leg=1, cause="lost"))

        async def is_calm() -> bool:
            return (await windows(here, 1))[-1].quiet_ms == 0

        await wait_until(is_calm, "the model is not waited for")
        await here.end()


async def test_audio_of_a_response_that_nobody_announced_arms_its_deadline(
    store: Store, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is adopted from its audio alone, and then the model falls silent for ever: it is cancelled in time,
    though nothing more is heard of anybody."""
    use_toys(monkeypatch)
    monkeypatch.setattr(parts, "SequencerConfig", partial(SequencerConfig, ceased_ms=200.0))
    async with (
        RealtimeSimulator() as unused,
        brain(redis_url, unused, greeting=""),
        line(store, redis_url) as here,
    ):
        here.is_deaf = True  # Egress's reports would be heard.
        made = ToyEngine.made
        await wait_until(lambda: bool(made and made[0].is_listened_to), "the session runs")
        (toy,) = made
        toy.babble(b"\x01" * 800, "item", "resp")
        assert toy.asked == []

        await wait_until(lambda: bool(toy.asked), "the response is cancelled", timeout_s=3.0)

        assert isinstance(toy.asked[0], SendCancel)
        assert toy.asked[0].response_id == "resp"
        await here.end()


async def test_a_rollover_of_a_session_that_is_gone_is_nobodys(
    store: Store, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its timer may outlive it: the next session is not rolled over for that."""
    async with (
        RealtimeSimulator() as sim,
        brain(redis_url, sim, greeting="") as (_, role),
        line(store, redis_url) as here,
    ):
        call = await serving(role)
        rollover = call._parts.sessions.rollover
        assert rollover is not None
        given: list[Input] = []
        monkeypatch.setattr(call, "give", given.append)
        await call._roll_again(Rollover(0.0, 0.0, 0.0))
        assert given == []

        await call._roll_again(rollover)
        assert len(given) == 1
        monkeypatch.undo()
        await here.end()


async def test_a_session_that_answers_nothing_is_replaced_and_the_next_one_asked(
    store: Store, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A socket that is half open: two creates without an answer, then the greeting is asked of another
    one."""
    use_toys(monkeypatch)
    hasty = partial(SequencerConfig, created_wait_ms=150.0, first_backoff_ms=50.0)
    monkeypatch.setattr(parts, "SequencerConfig", hasty)
    async with (
        RealtimeSimulator() as unused,
        brain(redis_url, unused, greeting="Say hello.") as (_, role),
        line(store, redis_url) as here,
    ):
        made = ToyEngine.made
        await wait_until(lambda: len(made) > 1 and bool(made[1].asked), "another session is asked")

        first, second = made[:2]
        assert [type(action) for action in first.asked] == [SendCreate, SendCreate]
        assert isinstance(second.asked[0], SendCreate)
        assert second.asked[0].text == "Say hello."
        assert role.counters.sessions_lost == 1
        await here.end()


async def test_a_move_that_the_caller_stopped_is_a_result_in_history(store: Store, redis_url: str) -> None:
    """What the tool is told stands there too: the next session knows that nobody was connected."""
    async with (
        RealtimeSimulator() as sim,
        brain(redis_url, sim, greeting="") as (_, role),
        line(store, redis_url) as here,
    ):
        call = await serving(role)
        call.give(ResponseCreated(response_id="r"))
        call.give(ToolCalled(response_id="r", call_id="c1", name="absent", arguments="{}"))
        run = RunTool(response_id="r", call_id="c1", name="absent", arguments="{}")
        call._parts.tools._move(run, Next.DIAL, "+15550001111")
        call.give(SpeechStarted(item_id="u"))

        async def is_told() -> bool:
            told = [entry for entry in await here.history() if isinstance(entry, ToolEntry)]
            return any("the caller spoke" in entry.value for entry in told)

        await wait_until(is_told, "the result is in history")
        await here.end()


async def test_a_call_that_nobody_ends_is_given_back_with_a_deadline(
    store: Store, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ingress died at the last word: the card names no owner that lives, nobody is offered a call that is
    over, and any ingress ends it."""
    monkeypatch.setattr(leaving, "END_WITHIN_S", 0.1)
    async with (
        RealtimeSimulator(knobs=Knobs(connect_status=401)) as sim,
        brain(redis_url, sim) as (process, role),
        line(store, redis_url) as here,
    ):
        await wait_until(lambda: role.counters.given_up == 1, "there is no session")
        await wait_until(lambda: role.live_calls() == 0, "the brain has left")
        assert await process.outbox.flushed(5)

        assert (await here.card())["brain"] == ""
        assert await store.zscore(KEYS.deadlines(0), here.call_sid) is not None
        assert await store.xlen(KEYS.orphans(0)) == 0
        await here.end()


async def test_an_announcement_that_an_operator_cut_is_said_again_before_anything_is_recorded(
    store: Store, redis_url: str, tmp_path: Path
) -> None:
    """Behind what the operator had said; and it is recorded from its end on."""
    write_tone(tmp_path / "recorded.wav")
    path = tmp_path / "agents.toml"
    path.write_text(
        "[default]\ngreeting = ''\n[default.recording]\nrecord = true\n"
        "announcement = { file = 'recorded.wav', text = 'This call is recorded.' }\n"
    )
    async with (
        RealtimeSimulator(knobs=Knobs(response=ResponseKnobs(first_audio_ms=200, speed_factor=50))) as sim,
        brain(redis_url, sim, agents_file=str(path)) as (_, role),
        line(store, redis_url) as here,
    ):
        here.hold_at_ms = 400
        await serving(role)
        await wait_until(lambda: here.kinds().count(ReplyKind.RESPONSE_END) == 1, "it is in reply")
        await here.card_says("tape", "announcing")
        await here.type("say", text="Say that there is a fire.", force="yes")
        await wait_until(lambda: here.cut == 1, "it is cut off")
        here.hold_at_ms = None
        await here.card_says("tape", "on")

        first, said, again = here.items()
        assert [is_notice(each) for each in (first, said, again)] == [True, False, True]
        assert here.audio_of(again) == here.audio_of(first)
        assert (first, number_of(again)) == ("notice-whole-1", 1)
        journal = [entry for entry in await here.journal() if entry.kind in (Kind.TAPED, Kind.NOTICE)]
        assert [entry.fields.get("what", "said") for entry in journal] == ["announcing", "said", "said", "on"]
        await here.end()
