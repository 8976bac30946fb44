"""Callers who are known before the greeting, calls that change hands: on a real server, with a model."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from brain.incoming import asking
from brain.role import BrainRole
from ingress.web.parties import read_carried
from proofs.prove.openings.answerer import ContextServer, Manner
from shared.contract.steps import Person
from shared.contract.streams.calls import Ringing
from shared.contract.streams.history import ItemEntry, ToolEntry, ToolState
from shared.contract.streams.journal import Kind
from shared.contract.streams.reply import ReplyKind
from shared.ownership import steps
from shared.ownership.liveness import How
from shared.process.role import Process
from shared.store.client import Store
from simulators.realtime import RealtimeSimulator
from simulators.realtime.record import SessionRecord
from tests.brain.stage import KEYS, Line, brain, clip, drop, line, sid, write_script
from tests.support.waiting import wait_until

FILE = """
[default]
instructions = "You are the desk's. The caller is {{name}}."
greeting = "Greet {{name}}."
fallback_number = "+15550009999"
tools = ["hand_over", "end_call"]
hand_over_to = { sales = "Orders.", night = "When it is dark.", other = "All else.", nobody = "" }
[agents.sales]
instructions = "You are sales'. The caller is {{name}}."
greeting = "Welcome {{name}}."
tools = ["end_call"]
[agents.night]
instructions = "You are the night's."
voice = "cedar"
[agents.other]
model = "gpt-realtime-2.1-mini"
instructions = "You are another model."
[agents.nobody]
voice = "nobody"
"""

ANN = {"agent": "sales", "variables": {"name": "Ann"}}
KNOWN = {"variables": {"name": "Ann"}}


@dataclass
class Stage:
    """A brain with a call, a model, and the user's own system."""

    role: BrainRole
    process: Process
    model: RealtimeSimulator
    here: Line
    server: ContextServer

    async def greeted(self) -> SessionRecord:
        """The session that said the first word."""
        await wait_until(lambda: any(each.responses for each in self.model.sessions), "somebody speaks")
        return next(each for each in self.model.sessions if each.responses)

    async def noted(self, kind: Kind) -> list[Mapping[str, str]]:
        """The journal lines of a kind."""
        return [entry.fields for entry in await self.here.journal() if entry.kind == kind]


@asynccontextmanager
async def stage(
    store: Store,
    redis_url: str,
    folder: Path,
    manner: Manner = Manner.GOOD,
    answer: Mapping[str, Any] = ANN,
    *,
    script: str = "english",
    person: Person | None = None,
    **settings: object,
) -> AsyncIterator[Stage]:
    """`person`: who calls, as the first webhook knows."""
    path = folder / "agents.toml"
    path.write_text(FILE, "utf-8")
    os.utime(path, ns=(1, 1))  # A young one would be waited for.
    async with ContextServer(lambda _caller: manner, lambda _caller: answer) as server:
        asked: dict[str, Any] = {
            "agents_file": str(path), "incoming_url": server.url, "webhook_secret": "s", **settings,
        }  # fmt: skip
        async with (
            RealtimeSimulator(script=script) as model,
            brain(redis_url, model, **asked) as (process, role),
        ):
            if person is not None:
                await wait_until(lambda: store.exists(KEYS.ringing(0)), "a brain reads what rings")
                await steps.reserve(
                    store, KEYS, sid(), nonce="nonce-1", expires_at_ms=2**52,
                    rings=Ringing(sid(), "", "…22"), person=person,
                )  # fmt: skip
                await wait_until(
                    lambda: bool(server.asked),
                    "it is asked while the call rings",
                    say=lambda: f"expected: {role.expected_calls()}, asked: {role.counters.contexts_asked}",
                )
            async with line(store, redis_url, agent="") as here:
                yield Stage(role, process, model, here, server)
                await here.end()
                await wait_until(lambda: role.live_calls() == 0, "the call is forgotten")
            assert not any(session.violations for session in model.sessions if session.responses)


def effective(session: SessionRecord) -> dict[str, Any]:
    """What the session is now, as its server says."""
    found = session.sent_of("session.updated")[-1]["session"]
    assert isinstance(found, dict)
    return found


def order(session: SessionRecord, *kinds: str) -> list[str]:
    """In which order the client told these."""
    return [event.type for event in session.received if event.type in kinds]


async def test_who_is_named_greets_and_nobody_speaks_before(
    store: Store, redis_url: str, tmp_path: Path
) -> None:
    """The session that was opened for the static agent is brought to the other one: one update, then the
    greeting, in which the caller has a name."""
    async with stage(store, redis_url, tmp_path) as seen:
        session = await seen.greeted()

        assert order(session, "session.update", "response.create") == [
            "session.update", "session.update", "response.create",
        ]  # fmt: skip
        (create,) = session.received_of("response.create")
        assert "Welcome Ann." in str(create)
        assert effective(session)["instructions"] == "You are sales'. The caller is Ann."
        assert [tool["name"] for tool in effective(session)["tools"]] == ["end_call"]
        assert len(seen.model.sessions) == 1
        assert (await seen.here.card())["agent"] == "sales"
        (line_,) = await seen.noted(Kind.CONTEXT)
        assert (line_["outcome"], line_["agent"], line_["missing"]) == ("said", "sales", "0")
        assert "Ann" not in str(await seen.here.journal())


async def test_it_is_asked_while_the_call_rings(
    store: Store, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the session is opened at the same time; the SIP headers of the call are variables. A machine that
    stands still for half a second would put the question off until there is a stream."""
    monkeypatch.setattr(asking, "PERSON_WITHIN_S", 10.0)
    person = Person(caller="+15550001111", parameters={"name": "Bob", "X-Order": "7"})
    async with stage(store, redis_url, tmp_path, answer={}, person=person, incoming_within_s=5.0) as seen:
        session = await seen.greeted()

        assert "The caller is Bob." in effective(session)["instructions"]
        (asked,) = seen.server.asked
        assert asked.data["from"] == "+15550001111"
        assert asked.data["parameters"] == {"name": "Bob", "X-Order": "7"}


async def test_a_webhook_by_get_tells_nobody_the_callers_number_as_a_parameter(
    store: Store, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Card, request and tools have what the number's owner wrote into its URL, and nothing of Twilio's."""
    monkeypatch.setattr(asking, "PERSON_WITHIN_S", 10.0)
    caller, own = "+15550001111", {"shop": "berlin", "name": "Bob"}
    query = {"CallSid": sid(), "AccountSid": "AC1", "From": caller, "Caller": caller, "CallToken": "t", **own}
    person = Person(caller=caller, parameters=read_carried(query, query))
    async with stage(store, redis_url, tmp_path, answer={}, person=person, incoming_within_s=5.0) as seen:
        await seen.greeted()

        (asked,), (call,) = seen.server.asked, seen.role._calls.values()
        card = await seen.here.card()
        assert asked.data["parameters"] == own
        assert orjson.loads(card["context"])["variables"] == own
        assert call._parts.tools.context.variables == own
        assert caller.removeprefix("+") not in str(card)


@pytest.mark.parametrize(
    "manner", [Manner.FAILS, Manner.HANGS_UP, Manner.SLOW, Manner.HUGE, Manner.ODD_TYPES, Manner.NOBODY]
)
async def test_whatever_the_other_side_does_the_caller_is_greeted_in_time(
    store: Store, redis_url: str, tmp_path: Path, manner: Manner
) -> None:
    """By the static agent, and it is said why. The slow one has not answered by then."""
    async with stage(store, redis_url, tmp_path, manner, {}, incoming_within_s=0.5) as seen:
        session = await seen.greeted()

        assert effective(session)["instructions"] == "You are the desk's. The caller is ."
        (line_,) = await seen.noted(Kind.CONTEXT)
        assert line_["why"]
        assert line_["agent"] == "default"


async def test_a_caller_who_is_refused_hears_why_and_no_model(
    store: Store, redis_url: str, tmp_path: Path
) -> None:
    """The carrier's voice says it, and nobody is dialled."""
    async with stage(store, redis_url, tmp_path, Manner.REFUSES, {"language": "he"}) as seen:
        await seen.here.card_says("next", "apology")

        card = await seen.here.card()
        assert (card["next_arg"], card["cause"]) == (seen.server.refusal, "refused")
        assert card["next_language"] == "he"
        assert card["fallback"] == "none"
        assert (1, "refused") in await seen.here.closes()
        assert not any(session.responses for session in seen.model.sessions)
        (line_,) = await seen.noted(Kind.CONTEXT)
        assert line_["outcome"] == "refused"
        assert seen.server.refusal not in str(await seen.noted(Kind.CONTEXT))


async def test_an_agent_of_another_model_gets_a_session_of_its_own(
    store: Store, redis_url: str, tmp_path: Path
) -> None:
    """The one that was opened has said nothing, and is closed."""
    async with stage(store, redis_url, tmp_path, answer={"agent": "other"}) as seen:
        session = await seen.greeted()

        assert (session.model, session.number) == ("gpt-realtime-2.1-mini", 2)
        first = seen.model.sessions[0]
        assert (first.responses, first.appends) == ({}, 0)
        await wait_until(lambda: first.closed_at_ms is not None, "the first is closed")


async def test_who_takes_the_call_over_knows_the_caller_and_asks_nobody(
    store: Store, redis_url: str, tmp_path: Path
) -> None:
    """What is known stands on the card."""
    async with stage(store, redis_url, tmp_path) as seen:
        await seen.greeted()
        card = await seen.here.card()
        assert orjson.loads(card["context"])["variables"] == {"name": "Ann"}
        path, url = tmp_path / "agents.toml", seen.server.url
        same: dict[str, Any] = {"agents_file": str(path), "incoming_url": url, "webhook_secret": "s"}
        async with brain(redis_url, seen.model, number=1, **same) as (heir, role):
            await drop(seen.process)
            assert heir.neighbours.on_dead is not None
            await heir.neighbours.on_dead(seen.process.name, How.EXITED)
            await wait_until(lambda: len(seen.model.sessions) > 1, "the heir has a session")
            session = seen.model.sessions[-1]
            await wait_until(lambda: bool(session.sent_of("session.updated")), "it is confirmed")

            assert effective(session)["instructions"] == "You are sales'. The caller is Ann."
            assert len(seen.server.asked) == 1
            await seen.here.end()
            await wait_until(lambda: role.live_calls() == 0, "the call is forgotten")


def hands_over(folder: Path, name: str) -> str:
    """A script in which what the caller says makes the model hand over."""
    return write_script(folder, ("hand_over", f'{{ agent = "{name}" }}'))


async def said_and_changed(seen: Stage, name: str) -> None:
    """The caller says what makes the model hand over, and the other agent goes on."""
    await seen.greeted()
    await wait_until(lambda: ReplyKind.RESPONSE_END in seen.here.kinds(), "the greeting is said")
    await seen.here.speak(clip("en_caller_number"))
    await seen.here.card_says("agent", name)


async def outputs(seen: Stage) -> list[str]:
    """What tools were answered, in all sessions: as an item, or in a seed."""
    return [
        str(event["item"])
        for session in seen.model.sessions
        for event in session.received_of("conversation.item.create")
        if "function_call_output" in str(event["item"])
    ]


async def test_one_agent_hands_over_to_another_in_the_same_session(
    store: Store, redis_url: str, tmp_path: Path
) -> None:
    """The other one has the floor when the tool is answered; the conversation goes on."""
    script = hands_over(tmp_path, "sales")
    async with stage(store, redis_url, tmp_path, answer=KNOWN, script=script) as seen:
        await said_and_changed(seen, "sales")
        (session,) = seen.model.sessions
        await wait_until(lambda: len(session.responses) >= 3, "the other agent speaks")

        assert effective(session)["instructions"] == "You are sales'. The caller is Ann."
        (output,) = await outputs(seen)
        assert "changed" in output
        last = order(session, "session.update", "conversation.item.create", "response.create")[-3:]
        assert last == ["session.update", "conversation.item.create", "response.create"]
        (changed,) = await seen.noted(Kind.AGENT_CHANGED)
        assert (changed["agent"], changed["was"]) == ("sales", "default")

        async def both_spoke() -> bool:
            said = [each for each in await seen.here.history() if isinstance(each, ItemEntry)]
            return {each.agent for each in said if not each.is_callers} == {"default", "sales"}

        await wait_until(both_spoke, "what each has said is theirs in history")

        entries = [entry for entry in await seen.here.history() if isinstance(entry, ToolEntry)]
        assert any(entry.state is ToolState.RESULT and "sales" in entry.value for entry in entries)
        assert {entry.agent for entry in entries} == {"default"}


@pytest.mark.parametrize("name", ["night", "other"])
async def test_an_agent_of_another_voice_or_model_goes_on_in_a_session_of_its_own(
    store: Store, redis_url: str, tmp_path: Path, name: str
) -> None:
    """It is told what was said; the caller notices the voice."""
    script = hands_over(tmp_path, name)
    async with stage(store, redis_url, tmp_path, answer=KNOWN, script=script) as seen:
        await said_and_changed(seen, name)
        await wait_until(lambda: len(seen.model.sessions) == 2, "there is another session")
        session = seen.model.sessions[-1]
        await wait_until(lambda: bool(session.responses), "the other agent speaks")

        assert "You are" in effective(session)["instructions"]
        assert effective(session)["instructions"] != "You are the desk's. The caller is Ann."
        assert any("changed" in output for output in await outputs(seen))
        assert seen.role.counters.sessions_lost == 0


async def test_an_agent_that_the_provider_refuses_leaves_the_one_there_is(
    store: Store, redis_url: str, tmp_path: Path
) -> None:
    """It is told so, and goes on itself."""
    script = hands_over(tmp_path, "nobody")
    async with stage(store, redis_url, tmp_path, answer={}, script=script) as seen:
        await seen.greeted()
        await wait_until(lambda: ReplyKind.RESPONSE_END in seen.here.kinds(), "the greeting is said")
        await seen.here.speak(clip("en_caller_number"))

        async def is_told() -> bool:
            return any("go on yourself" in output for output in await outputs(seen))

        await wait_until(is_told, "the model is told")
        assert (await seen.here.card())["agent"] == "default"
        assert await seen.noted(Kind.AGENT_CHANGED) == []
