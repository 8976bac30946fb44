"""What happens in the course of a call: lost sessions, rollovers, keys, moves, silence, limits.

The brain on a real server, against the Realtime simulator.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import orjson

from brain.memory.conversation import Conversation
from shared.contract.streams.control import Dialled, Dtmf
from shared.contract.streams.history import ItemEntry
from shared.contract.streams.journal import Kind
from shared.contract.streams.reply import ReplyKind
from shared.store.client import Store
from simulators.realtime import Knobs, RealtimeSimulator, ResponseKnobs
from simulators.realtime.record import SessionRecord
from tests.brain.stage import Line, brain, clip, line, write_script
from tests.support.waiting import wait_until

SOUND = "(sound)"
FAST = ResponseKnobs(first_audio_ms=20, speed_factor=50, stragglers=0)


def ends(here: Line) -> int:
    return here.kinds().count(ReplyKind.RESPONSE_END)


def creates(session: SessionRecord) -> list[str]:
    """The reasons of the creates that a session got."""
    found = []
    for event in session.received_of("response.create"):
        metadata = cast(dict[str, dict[str, str]], event["response"])["metadata"]
        found.append(metadata["trunkline_reason"])
    return found


def seeded(session: SessionRecord) -> list[str]:
    """The texts that a session was told before it was asked for anything; of what was told as sound, that."""
    texts: list[str] = []
    for event in session.received_of("conversation.item.create"):
        item = cast(dict[str, object], event["item"])
        for part in cast(list[dict[str, str]], item.get("content", [])):
            texts.append(part.get("text", SOUND))
    return texts


async def journaled(here: Line, kind: Kind) -> bool:
    return any(entry.kind == kind for entry in await here.journal())


async def settled(here: Line, turns: int) -> None:
    """The text of this many turns of the caller is in history."""

    async def there() -> bool:
        items = [
            entry for entry in await here.history() if isinstance(entry, ItemEntry) and entry.role == "user"
        ]
        return len({item.item_id for item in items if item.final}) >= turns

    await wait_until(there, f"{turns} turns are in history")


async def test_a_lost_session_is_followed_by_one_that_knows_the_past(store: Store, redis_url: str) -> None:
    """The connection is cut between two turns; the second turn is answered as the second."""
    async with (
        RealtimeSimulator(knobs=Knobs(response=FAST)) as sim,
        brain(redis_url, sim, greeting="") as (_, role),
        line(store, redis_url) as here,
    ):
        await here.speak(clip("en_caller_ask"))
        await wait_until(lambda: ends(here) == 1, "the first turn is answered")
        await settled(here, 1)
        sim.close_session(sim.sessions[0], 1006)
        await wait_until(lambda: role.counters.sessions_confirmed == 2, "there is a new session")
        await here.speak(clip("en_caller_goodbye"))
        await wait_until(lambda: ends(here) == 2, "the second turn is answered")

        first, second = sim.sessions
        asked, answered = seeded(second)
        assert asked == sim.script.turns[0].heard
        assert answered == sim.script.turns[0].reply[0].text  # type: ignore[union-attr]
        assert second.errors == []
        assert second.violations == []
        assert first.headers["x-client-request-id"].startswith(here.call_sid)
        assert "check_order" in str(second.received_of("session.update")[0])


async def test_without_transcription_the_next_session_is_told_the_callers_voice(
    store: Store, redis_url: str
) -> None:
    """The connection is cut right after a turn was answered: the turn stands in the past as it sounded, and
    is not answered again."""
    async with (
        RealtimeSimulator(knobs=Knobs(response=FAST)) as sim,
        brain(redis_url, sim, greeting="", transcription_model="") as (_, role),
        line(store, redis_url) as here,
    ):
        asked = clip("en_caller_ask")
        await here.speak(asked)
        await wait_until(lambda: ends(here) == 1, "the first turn is answered")
        sim.close_session(sim.sessions[0], 1006)
        await wait_until(lambda: role.counters.sessions_confirmed == 2, "there is a new session")
        await here.speak(clip("en_caller_goodbye"))
        await wait_until(lambda: ends(here) == 2, "the second turn is answered")

        _, second = sim.sessions
        assert seeded(second)[:2] == [SOUND, sim.script.turns[0].reply[0].text]  # type: ignore[union-attr]
        told = cast(
            dict[str, list[dict[str, str]]], second.received_of("conversation.item.create")[0]["item"]
        )
        assert asked[len(asked) // 4 : len(asked) // 2] in b64decode(told["content"][0]["audio"])
        assert second.errors == []
        assert second.violations == []


async def test_a_reply_that_is_cut_off_is_owed(store: Store, redis_url: str) -> None:
    """The session is lost in the middle of a reply: what came is heard, the next session speaks on."""
    knobs = Knobs(response=ResponseKnobs(first_audio_ms=20, speed_factor=4, stragglers=0))
    knobs.close_on, knobs.close_on_count, knobs.close_code = "response.output_audio.delta", 3, 1011
    healthy = Knobs(response=FAST)
    async with (
        RealtimeSimulator(knobs_for=lambda number: knobs if number == 1 else healthy) as sim,
        brain(redis_url, sim, greeting=""),
        line(store, redis_url) as here,
    ):
        await here.speak(clip("en_caller_ask"))
        await wait_until(lambda: len(here.items()) >= 2, "something is said in the next session")

        cut_off = here.items()[0]
        audio = here.audio_of(cut_off)
        assert clip("en_model_long").startswith(audio)
        assert 0 < len(audio) < len(clip("en_model_long"))
        boundaries = [e for e in here.reply if e.item_id == cut_off and e.kind is ReplyKind.ITEM_END]
        assert [e.offset_bytes for e in boundaries] == [len(audio)], "the open item is closed once"
        written = sim.sessions[0].sent_of("response.output_audio_transcript.delta")
        told = seeded(sim.sessions[1])[-1]
        assert len(told) < len("".join(str(event["delta"]) for event in written)), "text ran ahead of audio"
        assert len(sim.sessions) == 2


async def test_a_fatal_code_is_an_apology_and_no_second_session(store: Store, redis_url: str) -> None:
    """Quota: the next session would end like this one."""
    knobs = Knobs(account_error="insufficient_quota", account_error_at="response", response=FAST)
    async with (
        RealtimeSimulator(knobs=knobs) as sim,
        brain(redis_url, sim),
        line(store, redis_url) as here,
    ):
        await here.card_says("next", "apology")
        await here.card_says("cause", "insufficient_quota")
        assert len(sim.sessions) == 1


async def test_a_session_is_rolled_over_before_its_end(store: Store, redis_url: str) -> None:
    """At a quiet moment, to one that was opened before and is told the past; nobody hears of it."""
    knobs = Knobs(response=FAST, session_limit_ms=6_000.0)
    async with (
        RealtimeSimulator(knobs=knobs) as sim,
        brain(redis_url, sim, greeting="") as (_, role),
        line(store, redis_url) as here,
    ):
        await here.speak(clip("en_caller_ask"))
        await wait_until(lambda: ends(here) == 1, "the turn is answered")
        await wait_until(lambda: role.counters.rollovers >= 1, "the session is rolled over")
        await wait_until(lambda: len(seeded(sim.sessions[1])) == 2, "the next one is told the past")

        assert role.counters.sessions_lost == 0
        assert sim.sessions[0].sent_of("error") == []
        assert len(here.items()) == 1, "nothing was said twice"
        await wait_until(lambda: journaled(here, Kind.ROLLOVER), "the journal tells of it")


async def test_an_open_turn_is_said_again_to_the_next_session(store: Store, redis_url: str) -> None:
    """The caller has spoken, and the session is lost before it could answer."""
    deaf = Knobs(response=FAST, transcription_fails=False)
    deaf.close_on, deaf.close_code = "input_audio_buffer.speech_stopped", 1006
    healthy = Knobs(response=FAST)
    async with (
        RealtimeSimulator(knobs_for=lambda number: deaf if number == 1 else healthy, keep_audio=True) as sim,
        brain(redis_url, sim, greeting="") as (_, role),
        line(store, redis_url) as here,
    ):
        asked = clip("en_caller_ask")
        await here.speak(asked)
        await wait_until(lambda: ends(here) == 1, "the turn is answered by the next session")

        _, second = sim.sessions
        assert asked[: len(asked) // 2] in bytes(second.appended_audio)
        assert role.counters.frames_replayed > 0
        assert creates(second) == [], "the server answered the turn by itself, once"


async def test_keys_are_one_text_and_one_answer(store: Store, redis_url: str) -> None:
    """Four keys, one item, one create; no key stands in the journal."""
    async with (
        RealtimeSimulator(knobs=Knobs(response=FAST)) as sim,
        brain(redis_url, sim, greeting=""),
        line(store, redis_url) as here,
    ):
        await sim.wait_for(lambda: bool(sim.sessions and sim.sessions[0].sent_of("session.updated")))
        for digit in "427#":
            await here.say(Dtmf(digit=digit, leg=1))
        await wait_until(lambda: ends(here) == 1, "the keys are answered")

        (session,) = sim.sessions
        (told,) = seeded(session)
        assert told.endswith("4 2 7 #]")
        assert creates(session) == ["turn"]
        assert "4 2 7" not in str(await here.journal())


async def test_keys_are_known_to_the_next_session(store: Store, redis_url: str) -> None:
    """Nobody is asked twice for a customer number; and it is in no transcript."""
    async with (
        RealtimeSimulator(knobs=Knobs(response=FAST)) as sim,
        brain(redis_url, sim, greeting="") as (_, role),
        line(store, redis_url) as here,
    ):
        await sim.wait_for(lambda: bool(sim.sessions and sim.sessions[0].sent_of("session.updated")))
        for digit in "427#":
            await here.say(Dtmf(digit=digit, leg=1))
        await wait_until(lambda: ends(here) == 1, "the keys are answered")
        sim.close_session(sim.sessions[0], 1006)
        await wait_until(lambda: role.counters.sessions_confirmed == 2, "there is a new session")

        told, *_ = seeded(sim.sessions[1])
        assert told.endswith("4 2 7 #]")
        assert sim.sessions[1].errors == []
        recalled = Conversation.of(await here.history())
        assert recalled.seed(1_000)[0].text == told
        assert "4 2 7" not in str(recalled.lines())


async def test_a_written_answer_is_asked_for_again_aloud(store: Store, redis_url: str) -> None:
    """Text in an audio session: cancelled, taken out, asked for in audio."""
    knobs = Knobs(response=FAST, by_response={1: ResponseKnobs(text_part=True, first_audio_ms=20)})
    async with (
        RealtimeSimulator(knobs=knobs) as sim,
        brain(redis_url, sim, greeting=""),
        line(store, redis_url) as here,
    ):
        await here.speak(clip("en_caller_ask"))
        await wait_until(lambda: ends(here) == 1, "the answer is spoken")

        (session,) = sim.sessions
        (create,) = session.received_of("response.create")
        assert cast(dict[str, object], create["response"])["output_modalities"] == ["audio"]
        assert len(session.received_of("conversation.item.delete")) == 1


AGENTS = """
[default]
tools = ["transfer_call", "send_digits", "end_call"]
destinations = { sales = "+15550007777" }
"""


@asynccontextmanager
async def asking_to_be_moved(
    store: Store, redis_url: str, folder: Path, tool: str, arguments: str
) -> AsyncIterator[tuple[RealtimeSimulator, Line]]:
    """A caller who has asked for something that takes them off the line."""
    agents = folder / "agents.toml"
    agents.write_text(AGENTS)
    script = write_script(folder, (tool, arguments))
    async with (
        RealtimeSimulator(script=script, knobs=Knobs(response=FAST)) as sim,
        brain(redis_url, sim, greeting="", agents_file=str(agents)),
        line(store, redis_url) as here,
    ):
        await here.speak(clip("en_caller_number"))
        yield sim, here


async def back(here: Line, dialled: str = "") -> None:
    """The caller comes back on a new stream; `dialled`: from a number of which this became."""
    if dialled:
        await here.say(Dialled(status=dialled))
    await here.attach()


def output_of(session: SessionRecord) -> dict[str, str]:
    (event,) = session.received_of("conversation.item.create")
    found: dict[str, str] = orjson.loads(cast(dict[str, str], event["item"])["output"])
    return found


async def test_a_transfer_that_fails_goes_on_with_the_conversation(
    store: Store, redis_url: str, tmp_path: Path
) -> None:
    """The card says whom to dial; busy; the model is told, and speaks to the caller who is back."""
    moved = asking_to_be_moved(store, redis_url, tmp_path, "transfer_call", '{ destination = "sales" }')
    async with moved as (sim, here):
        await here.card_says("next", "dial")
        await here.card_says("next_arg", "+15550007777")
        await wait_until(lambda: _closed(here), "ingress is told to close the stream")
        (session,) = sim.sessions
        assert session.received_of("response.create") == [], "nobody is spoken to while away"
        await back(here, "busy")
        await wait_until(lambda: ends(here) == 1, "the model speaks on")

        assert output_of(session) == {"status": "not_connected", "reason": "busy"}
        assert creates(session) == ["tool_outputs"]


async def _closed(here: Line) -> bool:
    return bool(await here.closes())


async def test_digits_are_played_by_way_of_the_card(store: Store, redis_url: str, tmp_path: Path) -> None:
    """send_digits leaves the stream for a moment and comes back."""
    moved = asking_to_be_moved(store, redis_url, tmp_path, "send_digits", '{ digits = "12w3#" }')
    async with moved as (sim, here):
        await here.card_says("next_arg", "12w3#")
        await here.card_says("next", "digits")
        await back(here)
        await wait_until(lambda: ends(here) == 1, "the model speaks on")

        assert output_of(sim.sessions[0]) == {"status": "sent"}


async def test_an_agent_that_nobody_knows_is_told(store: Store, redis_url: str) -> None:
    """A slip in the webhook's URL: the default answers, and the journal says why."""
    async with (
        RealtimeSimulator(knobs=Knobs(response=FAST)) as sim,
        brain(redis_url, sim, greeting=""),
        line(store, redis_url, agent="slaes") as here,
    ):
        await wait_until(lambda: journaled(here, Kind.AGENT_UNKNOWN), "the journal tells of it")

        (told,) = [entry for entry in await here.journal() if entry.kind == Kind.AGENT_UNKNOWN]
        assert told.fields == {"asked_for": "slaes", "answers": "default"}


async def test_a_silent_caller_is_asked_and_then_left(store: Store, redis_url: str) -> None:
    """One prompt, then a farewell, then the end; measured from the end of what was heard."""
    async with (
        RealtimeSimulator(knobs=Knobs(response=FAST)) as sim,
        brain(redis_url, sim, greeting="Hello.", idle_prompt_s=1.0, idle_prompts=1),
        line(store, redis_url) as here,
    ):
        await here.card_says("next", "hangup")

        (session,) = sim.sessions
        assert creates(session) == ["greeting", "idle_prompt", "farewell"]
        await here.card_says("cause", "idle")


async def test_a_call_does_not_last_for_ever(store: Store, redis_url: str) -> None:
    """The hard cap says goodbye, however busy the line is."""
    async with (
        RealtimeSimulator(knobs=Knobs(response=FAST)) as sim,
        brain(redis_url, sim, greeting="", hard_cap_s=1.0),
        line(store, redis_url) as here,
    ):
        await here.card_says("next", "hangup")
        await here.card_says("cause", "hard_cap")
        assert creates(sim.sessions[0]) == ["farewell"]
