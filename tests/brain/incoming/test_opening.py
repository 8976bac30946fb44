"""Sessions of whoever answers: what a provider is told when one is opened."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from brain.agents.book import AgentBook
from brain.counters import BrainCounters
from brain.incoming.answer import NOTHING, Context
from brain.incoming.asking import Inquiries
from brain.incoming.cast import cast_of
from brain.incoming.opening import SAFETY_HEADER, Openings
from brain.model.engine import Opening
from brain.model.probe import make_client
from shared.contract.streams.calls import Ringing
from shared.logs.log import get_log
from shared.process.life import make_process
from shared.settings import load
from shared.store.client import Store
from simulators.realtime import RealtimeSimulator
from tests.brain.stage import KEYS, line, sid

FILE = """
[default]
instructions = "Serve {{name}}."
headers = { X-Project = "p" }
[agents.known]
safety_identifier_env = "SALT"
"""
CALLER = "+15550001111"


@asynccontextmanager
async def openings(
    redis_url: str, folder: Path, base_url: str = "http://127.0.0.1:9/v1"
) -> AsyncIterator[Openings]:
    path = folder / "agents.toml"
    path.write_text(FILE, "utf-8")
    settings = load(
        env_file=None, redis_url=redis_url, openai_api_key="key", openai_base_url=base_url,
        agents_file=str(path),
    )  # fmt: skip
    process, counters = make_process("brain", 0, settings), BrainCounters()
    book = AgentBook(settings, get_log(), {"SALT": "salt"})
    async with make_client(settings) as client:
        yield Openings(process, client, book, Inquiries(process, counters), counters)
    await process.store.aclose()


def told(engine: Any) -> Opening:
    """What an engine was made with."""
    found = engine._opening
    assert isinstance(found, Opening)
    return found


async def test_a_session_can_be_asked_about_by_its_headers(redis_url: str, tmp_path: Path) -> None:
    """By the id of the call and of the session."""
    async with openings(redis_url, tmp_path) as found:
        cast = cast_of(found.book, "", "+1", NOTHING)
        opening = told(found.engine(cast, sid(), CALLER, "b1s1", seeded=True))

    assert opening.headers == {"X-Project": "p", "X-Client-Request-Id": f"{sid()}/b1s1"}
    assert (opening.tag, opening.seeded, opening.call) == ("b1s1", True, sid())


async def test_a_caller_is_known_again_by_a_hash_with_a_key(redis_url: str, tmp_path: Path) -> None:
    """The same each time, another for another number, none where nobody calls by a number."""
    async with openings(redis_url, tmp_path) as found:
        cast = cast_of(found.book, "known", "+1", NOTHING)
        made = [
            told(found.engine(cast, sid(number), caller, "b1s1", seeded=False)).headers
            for number, caller in ((1, CALLER), (2, CALLER), (1, "+15550001112"), (1, ""))
        ]

    ids = [each.get(SAFETY_HEADER) for each in made]
    expected = hmac.new(b"salt", CALLER.encode(), hashlib.sha256).hexdigest()
    assert ids[:2] == [expected, expected]
    assert ids[2] != expected
    assert ids[3] is None
    assert CALLER not in str(made)


async def test_a_call_that_rings_gets_the_session_of_the_static_agent(redis_url: str, tmp_path: Path) -> None:
    """Unless its provider is to know the caller, whom the first webhook does not tell."""
    async with openings(redis_url, tmp_path) as found:
        made = found.for_ringing(Ringing(sid(), "", "+1"))
        none = found.for_ringing(Ringing(sid(2), "known", "+1"))

    assert made is not None
    assert (made[0], told(made[1]).seeded) == ("default", False)
    assert none is None


async def test_a_session_beside_is_that_of_the_cards_agent_with_what_is_known(
    store: Store, redis_url: str, tmp_path: Path
) -> None:
    """So that nothing must be changed when the call is handed over; a call that is over has none."""
    async with (
        RealtimeSimulator() as model,
        openings(redis_url, tmp_path, model.base_url) as found,
        line(store, redis_url) as here,
    ):
        card = KEYS.card(here.call_sid)
        await store.hset(card, "context", Context(variables={"name": "Ann"}).dump())
        session = await found.beside(here.call_sid)
        assert session is not None
        await session.ready.engine.close()
        (update,) = model.sessions[0].received_of("session.update")
        assert update["session"]["instructions"] == "Serve Ann."  # type: ignore[index]

        await here.end()
        assert await found.beside(here.call_sid) is None


@pytest.mark.parametrize("written", ["", "what?"])
async def test_a_context_that_a_hand_has_written_does_no_harm(
    store: Store, redis_url: str, tmp_path: Path, written: str
) -> None:
    """It says nothing."""
    async with (
        RealtimeSimulator() as model,
        openings(redis_url, tmp_path, model.base_url) as found,
        line(store, redis_url) as here,
    ):
        await store.hset(KEYS.card(here.call_sid), "context", written)
        session = await found.beside(here.call_sid)
        assert session is not None
        await session.ready.engine.close()
        await here.end()
