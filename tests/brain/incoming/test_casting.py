"""Who answers a call: found out before the greeting, changed in between; what the card says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import orjson
import pytest

from brain.agents.agent import Agent
from brain.agents.book import AgentBook
from brain.errors import EngineError
from brain.incoming import casting as module
from brain.incoming.answer import NOTHING, Context
from brain.incoming.asking import Asked, Found, IncomingCall, Inquiries
from brain.incoming.cast import cast_of
from brain.incoming.casting import Casting
from brain.json_fields import Json
from brain.model.engine import Engine
from brain.model.sessions import Sessions
from shared.contract.card import NOBODY, AgentChosen, CallContext
from shared.contract.streams.journal import Kind
from shared.logs.log import get_log
from shared.ownership.owner import Owner
from shared.settings import load
from tests.brain.stage import sid
from tests.support.waiting import held_clock, running, wait_until

FILE = """
[default]
greeting = "Greet {{name}}."
hand_over_to = { sales = "Orders." }
fallback_number = "+15550009999"
[agents.sales]
[agents.night]
"""
CALL = IncomingCall(call_sid=sid(), caller="+15550001111", called="+15550002222", agent="default")


@dataclass
class FakeEngine:
    """A session that can become somebody else, or not."""

    answers: list[bool | EngineError] = field(default_factory=list)
    became: list[str] = field(default_factory=list)

    async def become(self, agent: Agent, _tools: tuple[Json, ...]) -> bool:
        answer = self.answers.pop(0) if self.answers else True
        if isinstance(answer, EngineError):
            raise answer
        if answer:
            self.became.append(agent.name)
        return answer


@dataclass
class Stage:
    """A casting, and the parts of the call that it speaks to."""

    book: AgentBook
    found: Found = field(default_factory=lambda: Found(NOTHING, Asked.SAID))
    engine: FakeEngine | None = field(default_factory=FakeEngine)
    cards: list[object] = field(default_factory=list)
    notes: list[tuple[Kind, Mapping[str, str]]] = field(default_factory=list)
    recasts: list[str] = field(default_factory=list)
    changes_over: EngineError | None = None
    changed_over: int = 0
    replaced: list[str] = field(default_factory=list)
    active: str = ""
    leaves: bool = False
    before_change_over: Callable[[], None] = lambda: None

    def casting(self, *, is_open: bool = True, context: Context = NOTHING) -> Casting:
        made = Casting(
            self.book, cast(Inquiries, self), CALL, cast_of(self.book, "default", CALL.called, context),
            is_open, cast(Owner, self), self.note,
        )  # fmt: skip
        made.sessions, made.recast = cast(Sessions, self), lambda: self.recasts.append(made.cast.agent.name)
        made.is_generating = lambda response_id: response_id == self.active
        made.is_leaving = lambda: self.leaves
        self.made = made
        return made

    # Asking, owner, journal, sessions.

    async def find(self, _call: IncomingCall) -> Found:
        return self.found

    def card(self, record: object) -> None:
        self.cards.append(record)

    def note(self, kind: Kind, *, response: str | None = None, **fields: str) -> None:
        self.notes.append((kind, fields))

    @property
    def serving(self) -> Engine | None:
        return None if self.engine is None else cast(Engine, self.engine)

    async def change_over(self) -> None:
        self.changed_over += 1
        self.before_change_over()
        if self.changes_over is not None:
            raise self.changes_over
        self.made.session_begins()

    def replace(self, cause: str) -> None:
        self.replaced.append(cause)

    # Looking.

    @property
    def chosen(self) -> AgentChosen:
        return next(each for each in reversed(self.cards) if isinstance(each, AgentChosen))

    @property
    def contexts(self) -> list[str]:
        return [each.context for each in self.cards if isinstance(each, CallContext)]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    path = tmp_path / "agents.toml"
    path.write_text(FILE, "utf-8")
    return Stage(AgentBook(load(env_file=None, agents_file=str(path)), get_log(), {}))


async def test_whoever_is_named_answers_and_the_card_says_so(stage: Stage) -> None:
    """With what is known of the caller, which is in no journal."""
    stage.found = Found(Context(agent="sales", variables={"name": "Ann"}), Asked.SAID, took_ms=120.4)
    made = stage.casting()
    assert stage.contexts == []  # Nobody knows yet: whoever takes the call over asks again.

    assert await made.find_out() == ""

    assert (made.cast.agent.name, made.cast.agent.greeting) == ("sales", "Greet Ann.")
    assert (stage.chosen.agent, stage.recasts) == ("sales", ["sales"])
    assert orjson.loads(stage.contexts[-1])["variables"] == {"name": "Ann"}
    assert stage.notes == [
        (Kind.CONTEXT, {"outcome": "said", "agent": "sales", "ms": "120", "missing": "0"}),
    ]  # fmt: skip
    assert "Ann" not in stage.chosen.profile


async def test_without_an_answer_the_static_agent_answers_and_it_is_said_why(stage: Stage) -> None:
    """Never in words of the other side's."""
    stage.found = Found(NOTHING, Asked.FAILED, "HTTP 500", 80.0)
    made = stage.casting()

    assert await made.find_out() == ""

    assert made.cast.agent.name == "default"
    assert stage.notes == [
        (Kind.CONTEXT, {"outcome": "failed", "agent": "default", "ms": "80", "missing": "1",
                        "why": "HTTP 500"}),
    ]  # fmt: skip


async def test_a_name_that_no_agent_has_is_as_none(stage: Stage) -> None:
    """What is known of the caller is known all the same."""
    stage.found = Found(Context(agent="nobody", variables={"name": "Ann"}), Asked.SAID)
    made = stage.casting()
    await made.find_out()

    assert (made.cast.agent.name, made.cast.agent.greeting) == ("default", "Greet Ann.")
    assert stage.notes[0][1]["why"] == "agent: there is none of this name"


async def test_a_caller_who_is_refused_is_put_through_to_nobody(stage: Stage) -> None:
    """Not to a person either."""
    stage.found = Found(Context(refusal="We are closed.", language="en"), Asked.SAID)
    made = stage.casting()
    assert stage.chosen.fallback == "+15550009999"

    assert await made.find_out() == "We are closed."

    assert stage.chosen.fallback == NOBODY
    assert made.language == "en"
    assert stage.notes[0][1]["outcome"] == "refused"


async def test_where_nobody_is_asked_nothing_is_noted(stage: Stage) -> None:
    """What the number carries is known all the same."""
    stage.found = Found(Context(variables={"name": "Ann"}), Asked.UNASKED)
    made = stage.casting()
    await made.find_out()

    assert (stage.notes, made.cast.agent.greeting) == ([], "Greet Ann.")


async def test_a_session_waits_until_it_is_known_who_answers(stage: Stage) -> None:
    """And is brought to them then."""
    stage.found = Found(Context(agent="night"), Asked.SAID)
    made, engine = stage.casting(), FakeEngine()
    async with running(made.bring(cast(Engine, engine))):
        with held_clock() as clock:
            await clock.let_pass(0)  # It waits.
            await clock.let_pass(60.0)
            assert engine.became == []
        await made.find_out()
        await wait_until(lambda: engine.became == ["night"], "it is brought to the agent")


async def test_a_call_of_which_it_is_known_waits_for_nothing(stage: Stage) -> None:
    """It was another brain's; what is known stays on the card."""
    made = stage.casting(is_open=False, context=Context(variables={"name": "Ann"}))

    assert await made.bring(cast(Engine, FakeEngine()))
    assert orjson.loads(stage.contexts[-1])["variables"] == {"name": "Ann"}


async def test_what_was_never_found_out_is_settled_as_it_stands(stage: Stage) -> None:
    """Somebody has spoken already: nobody else answers now, and nobody is asked by the next brain."""
    made = stage.casting()

    made.settle()

    assert await made.bring(cast(Engine, FakeEngine()))
    assert (made.cast.agent.name, len(stage.contexts), stage.recasts) == ("default", 1, [])


async def test_another_agent_goes_on_in_the_same_session(stage: Stage) -> None:
    """The tool is answered when it is so; what is known of the caller stays."""
    made = stage.casting(is_open=False, context=Context(variables={"name": "Ann"}))

    told = orjson.loads(await made.change("sales", "resp_1"))

    assert stage.engine is not None
    assert (told["status"], told["agent"], stage.engine.became) == ("changed", "sales", ["sales"])
    assert made.cast.agent.greeting == "Greet Ann."
    assert (stage.changed_over, stage.chosen.agent) == (0, "sales")
    assert stage.notes == [(Kind.AGENT_CHANGED, {"agent": "sales", "was": "default"})]


@pytest.mark.parametrize("answer", [False, EngineError("session_refused")])
async def test_an_agent_that_this_session_cannot_be_gets_another(
    stage: Stage, answer: bool | EngineError
) -> None:
    """Opened first; the one there is serves until then."""
    stage.engine = FakeEngine([answer])
    made = stage.casting(is_open=False)

    told = orjson.loads(await made.change("sales", "resp_1"))

    assert (told["status"], stage.changed_over) == ("changed", 1)
    assert made.cast.agent.name == "sales"


async def test_between_two_sessions_the_next_one_is_the_other_agents(stage: Stage) -> None:
    """Nothing is to be done but to say so."""
    stage.engine = None
    made = stage.casting(is_open=False)

    assert orjson.loads(await made.change("sales", "resp_1"))["status"] == "changed"
    assert stage.changed_over == 0


async def test_an_agent_that_cannot_be_had_leaves_all_as_it_was(stage: Stage) -> None:
    """The one there is is told, and goes on."""
    stage.engine, stage.changes_over = FakeEngine([False]), EngineError("connect_failed", "OSError")
    made = stage.casting(is_open=False)

    told = orjson.loads(await made.change("sales", "resp_1"))

    assert "go on yourself" in told["error"]
    assert (made.cast.agent.name, stage.chosen.agent, stage.recasts[-1]) == ("default", "default", "default")
    assert stage.notes == [(Kind.ERROR, {"what": "agent_not_changed", "cause": "connect_failed"})]


async def test_a_session_of_which_nobody_knows_who_it_is_does_not_stay(stage: Stage) -> None:
    """It did not answer, and no other could be had: the next one is the old agent's."""
    stage.engine = FakeEngine([EngineError("session_unconfirmed")])
    stage.changes_over = EngineError("connect_failed")
    made = stage.casting(is_open=False)

    assert "go on yourself" in await made.change("sales", "resp_1")
    assert (stage.replaced, made.cast.agent.name) == (["connect_failed"], "default")


async def test_a_session_that_ends_meanwhile_is_followed_by_the_other_agents(stage: Stage) -> None:
    """The change has come about, by another way."""
    stage.engine, stage.changes_over = FakeEngine([False]), EngineError("connect_failed")
    made = stage.casting(is_open=False)
    stage.before_change_over = made.session_begins

    assert orjson.loads(await made.change("sales", "resp_1"))["status"] == "changed"
    assert made.cast.agent.name == "sales"


async def test_nobody_comes_once_the_call_ends(stage: Stage) -> None:
    """It was hung up while what was being said was waited for: the farewell is not cut by another session."""
    made, stage.active = stage.casting(is_open=False), "resp_1"

    def is_generating(_response_id: str) -> bool:
        stage.leaves = True
        return False

    made.is_generating = is_generating
    assert "the call ends" in await made.change("sales", "resp_1")
    assert stage.engine is not None
    assert (stage.engine.became, stage.changed_over, stage.recasts) == ([], 0, [])
    assert made.cast.agent.name == "default"


@pytest.mark.parametrize("name", ["default", "nobody"])
async def test_nobody_hands_over_to_who_is_not_there(stage: Stage, name: str) -> None:
    """The file may have changed since the model was told of it."""
    made = stage.casting(is_open=False)

    assert "there is no such other agent" in await made.change(name, "resp_1")
    assert stage.notes == []


async def test_what_is_being_said_is_generated_first(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the voice that began it; what does not end is not waited for."""
    monkeypatch.setattr(module, "DONE_LOOK_S", 0.01)
    made, stage.active = stage.casting(is_open=False), "resp_1"
    looked: list[str] = []

    def is_generating(response_id: str) -> bool:
        looked.append(response_id)
        return response_id == stage.active

    made.is_generating = is_generating
    async with running(made.change("sales", "resp_1")):
        await wait_until(lambda: len(looked) > 2, "it has looked again and again")
        assert made.cast.agent.name == "default"
        stage.active = ""
        await wait_until(lambda: made.cast.agent.name == "sales", "the other agent answers")

    monkeypatch.setattr(module, "DONE_WITHIN_S", 0.05)
    stage.active = "resp_2"
    assert orjson.loads(await made.change("night", "resp_2"))["status"] == "changed"
