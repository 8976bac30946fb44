"""Asking who calls: once, in time, signed, whatever is on the other side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import orjson
import pytest

from brain.counters import BrainCounters
from brain.incoming import asking as module
from brain.incoming.asking import Asked, IncomingCall, Inquiries
from brain.signing import signed_headers
from proofs.prove.openings.answerer import ContextServer, Manner
from shared.contract.streams.calls import Person, Ringing
from shared.ownership import steps
from shared.process.life import make_process
from shared.settings import load
from shared.store.client import Store
from tests.brain.stage import KEYS, sid
from tests.support.waiting import wait_until

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
CALL = IncomingCall(call_sid=sid(), caller="+15550001111", called="+15550002222", agent="default")
LATER_THAN_ANY_S = 15.0
"""Whoever waits for a system that is slow, or never done, waits longer than that."""

RINGING = Ringing(sid(), "", "+15550002222")
ANN = {"agent": "sales", "variables": {"name": "Ann"}}


@dataclass
class Desk:
    """An asking, and whom it asks."""

    asking: Inquiries
    server: ContextServer
    counters: BrainCounters
    store: Store

    async def rings(self, **parameters: str) -> None:
        """The first webhook of the call has come, and what it knows is written down."""
        await steps.reserve(
            self.store, KEYS, CALL.call_sid, nonce="n", expires_at_ms=2**52,
            person=Person(caller=CALL.caller, parameters=parameters),
        )  # fmt: skip
        self.asking.ringing(RINGING, "default")


@asynccontextmanager
async def desk(
    store: Store, redis_url: str, manner: Manner = Manner.GOOD, *, within_s: float = 2.0, is_on: bool = True
) -> AsyncIterator[Desk]:
    server = ContextServer(lambda _caller: manner, lambda _caller: ANN)
    async with server:
        settings = load(
            env_file=None, redis_url=redis_url, incoming_url=server.url if is_on else "",
            webhook_secret=SECRET, incoming_within_s=within_s,
        )  # fmt: skip
        process, counters = make_process("brain", 0, settings), BrainCounters()
        asking = Inquiries(process, counters)
        try:
            yield Desk(asking, server, counters, store)
        finally:
            await asking.stop()
            await process.store.aclose()
        assert process.fatal is None


async def test_an_answer_is_what_is_known_of_the_call(store: Store, redis_url: str) -> None:
    """The request says who calls, in full, and is signed as webhooks are."""
    async with desk(store, redis_url) as here:
        found = await here.asking.find(CALL)

        (asked,) = here.server.asked
        told = orjson.loads(asked.body)
        headers = asked.headers
        at_s, event_id = int(headers["webhook-timestamp"]), headers["webhook-id"]
    assert (found.outcome, found.context.agent, found.context.variables) == ("said", "sales", {"name": "Ann"})
    assert (told["type"], event_id) == ("call.incoming", f"{sid()}-incoming")
    assert told["data"] == {
        "call_sid": sid(), "agent": "default", "from": "+15550001111", "to": "+15550002222", "parameters": {},
    }  # fmt: skip
    signed = signed_headers(SECRET, event_id, at_s, asked.body)
    assert headers["webhook-signature"] == signed["webhook-signature"]
    assert (here.counters.contexts_asked, here.counters.contexts_failed) == (1, 0)


async def test_it_is_asked_while_the_call_rings_and_not_again(store: Store, redis_url: str) -> None:
    """What its number carries is told too, and stands behind what is answered."""
    async with desk(store, redis_url) as here:
        await here.rings(name="Bob", **{"X-Order": "7"})
        await wait_until(lambda: bool(here.server.asked), "it is asked")
        here.asking.ringing(RINGING, "default")

        found = await here.asking.find(replace(CALL, caller=""))

        (asked,) = here.server.asked
    assert (asked.data["from"], asked.data["parameters"]) == (CALL.caller, {"name": "Bob", "X-Order": "7"})
    assert found.context.variables == {"name": "Ann", "X_Order": "7"}


async def test_a_call_of_which_the_first_webhook_wrote_nothing_is_asked_about_later(
    store: Store, redis_url: str
) -> None:
    """When its stream says who calls."""
    async with desk(store, redis_url) as here:
        here.asking.ringing(RINGING, "default")
        assert await here.asking._begun[sid()].task is None
        assert here.server.asked == []

        found = await here.asking.find(CALL)

    assert found.outcome is Asked.SAID


async def test_where_nobody_is_asked_the_number_alone_says_something(store: Store, redis_url: str) -> None:
    """Its parameters are variables."""
    async with desk(store, redis_url, is_on=False) as here:
        await here.rings(shop="Berlin")

        found = await here.asking.find(CALL)

        assert here.server.asked == []
    assert (found.outcome, found.context.variables) == (Asked.UNASKED, {"shop": "Berlin"})
    assert here.counters.contexts_asked == 0


@pytest.mark.parametrize(
    ("manner", "outcome", "why"),
    [
        (Manner.SLOW, Asked.LATE, "no answer within 0.5 s"),
        (Manner.ENDLESS, Asked.FAILED, "expected at most 65536 bytes"),
        (Manner.HUGE, Asked.FAILED, "expected at most 65536 bytes"),
        (Manner.FAILS, Asked.FAILED, "HTTP 500"),
        (Manner.REDIRECTS, Asked.FAILED, "HTTP 302"),
        (Manner.HANGS_UP, Asked.FAILED, "RemoteProtocolError"),
        (Manner.BROKEN, Asked.FAILED, "RemoteProtocolError"),
        (Manner.DEEP, Asked.FAILED, "expected JSON"),
        (Manner.PACKED, Asked.FAILED, "expected JSON"),
        (Manner.ODD_TYPES, Asked.FAILED, "agent: expected the name of an agent"),
        (Manner.MANY, Asked.FAILED, "expected at most 64 variables, got 3000"),
    ],
)
async def test_whatever_is_on_the_other_side_the_call_goes_on_in_time(
    store: Store, redis_url: str, manner: Manner, outcome: Asked, why: str
) -> None:
    """With what its number carries; why is said without a value."""
    async with desk(store, redis_url, manner, within_s=0.5) as here:
        await steps.reserve(
            store, KEYS, CALL.call_sid, nonce="n", expires_at_ms=2**52,
            person=Person(caller=CALL.caller, parameters={"shop": "Berlin"}),
        )  # fmt: skip
        async with asyncio.timeout(LATER_THAN_ANY_S):
            found = await here.asking.find(CALL)

        assert len(here.server.asked) == 1
    assert (found.outcome, found.why, found.context.variables) == (outcome, why, {"shop": "Berlin"})
    assert here.counters.contexts_failed == 1


async def test_nobody_there_is_said_as_such(store: Store, redis_url: str) -> None:
    """At once, and no second attempt: a caller waits."""
    async with desk(store, redis_url) as here:
        here.asking._url = "http://127.0.0.1:9/"

        found = await here.asking.find(CALL)

    assert (found.outcome, found.why) == (Asked.FAILED, "ConnectError")


async def test_time_counts_from_when_it_was_first_asked(store: Store, redis_url: str) -> None:
    """What passed while the call rang is not waited for again."""
    async with desk(store, redis_url, Manner.SLOW, within_s=0.5) as here:
        await here.rings()
        task = here.asking._begun[CALL.call_sid].task
        await wait_until(task.done, "its time is over")

        found = await here.asking.find(CALL)

        assert len(here.server.asked) == 1  # Nobody asks again, and so nobody waits again.
    assert (found.outcome, found) == (Asked.LATE, task.result())


async def test_a_call_that_goes_elsewhere_is_asked_about_no_more(
    store: Store, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another brain has it, it is over, or no stream came in time."""
    async with desk(store, redis_url, Manner.SLOW) as here:
        await here.rings()
        await wait_until(lambda: bool(here.server.asked), "it is asked")
        here.asking.drop(sid())
        assert here.asking._begun == {}

        here.asking.ringing(RINGING, "default")
        here.asking.forget_old()
        assert list(here.asking._begun) == [sid()]
        monkeypatch.setattr(module, "RINGING_MS", 0)
        here.asking.forget_old()

        assert here.asking._begun == {}


async def test_nothing_of_a_caller_shows_itself(store: Store, redis_url: str) -> None:
    """A traceback may end in a log."""
    assert "+15550001111" not in repr(replace(CALL, parameters={"name": "Ann"}))
    assert "Ann" not in repr(replace(CALL, parameters={"name": "Ann"}))
    assert "Ann" not in repr(Person(caller="+15550001111", parameters={"name": "Ann"}))
