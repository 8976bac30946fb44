"""Calls of an ingress that vanished, asked for at the simulated Twilio: they come back, each asked for
once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise

import pytest

from ingress.rescue import stranded
from ingress.rescue.rescuer import calls_of
from ingress.rescue.stranded import Outcome
from shared.clock import wall_ms
from shared.contract.steps import Leg
from shared.contract.streams.journal import read_journal
from shared.ownership import steps
from shared.ownership.liveness import How
from simulators.twilio import FAST, CallPlan, Knobs, LiveCall, TwilioSimulator, WaitForEnd
from tests.ingress.harness import ACCOUNT, AUTH_TOKEN, PUBLIC_URL, Ingress, ingress
from tests.support.waiting import wait_until

DEAD = "ingress-9@far#dead"
CALLS = 3
HANGING = Knobs(pace=FAST, vanish_at_ms=20)


@dataclass
class Scene:
    """A bridge, a Twilio with its API, calls whose sockets hang."""

    bridge: Ingress
    twilio: TwilioSimulator
    calls: list[LiveCall] = field(default_factory=list)

    async def card(self, call: LiveCall) -> dict[str, str]:
        found = await self.bridge.store.hgetall(self.bridge.process.keys.card(call.call_sid))
        return {name.decode(): value.decode() for name, value in found.items()}

    async def journal(self, call: LiveCall) -> list[tuple[str, str]]:
        found = await self.bridge.store.xrange(self.bridge.process.keys.journal(call.call_sid))
        lines = [read_journal(entry_id, fields) for entry_id, fields in found]
        return [(line.kind, line.outcome) for line in lines]

    async def start(self, knobs: Knobs = HANGING) -> LiveCall:
        """A call, attached; its card then names an ingress that is no more."""
        attached = self.bridge.role.switchboard.counters.attached
        live = self.twilio.start_call(CallPlan([WaitForEnd()], stop_at_failure=False), knobs)
        counters = self.bridge.role.switchboard.counters
        await wait_until(lambda: counters.attached > attached, "the call is attached")
        await self.bridge.store.hset(self.bridge.process.keys.card(live.call_sid), "ingress", DEAD)
        self.calls.append(live)
        return live

    def asked(self) -> list[str]:
        """The calls that Twilio was asked for, in order."""
        return [
            request.path.rpartition("/")[2].removesuffix(".json") for request in self.twilio.rest.requests
        ]


@asynccontextmanager
async def scene(url: str, calls: int = 1, **changes: str) -> AsyncIterator[Scene]:
    twilio = TwilioSimulator(voice_url=f"{PUBLIC_URL}/voice", auth_token=AUTH_TOKEN, account_sid=ACCOUNT)
    origin = await twilio.rest.open()
    await twilio.close()
    port = int(origin.rpartition(":")[2])
    async with ingress(url, twilio_api_url=origin, **changes) as bridge:
        twilio = TwilioSimulator(
            voice_url=f"{PUBLIC_URL}/voice",
            auth_token=AUTH_TOKEN,
            account_sid=ACCOUNT,
            dial=f"127.0.0.1:{bridge.port}",
        )
        await twilio.rest.open(port)
        async with twilio:
            made = Scene(bridge, twilio)
            for _ in range(calls):
                await made.start()
            yield made


@pytest.fixture(autouse=True)
def short_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wait for a call that comes back by itself."""
    monkeypatch.setattr(stranded, "WAIT_MS", 200.0)


async def test_calls_of_a_vanished_host_come_back(valkey_url: str) -> None:
    """Each on its next leg, after one request; the journal says so."""
    async with scene(valkey_url, CALLS) as made:
        rescuer, counters = made.bridge.role.rescuer, made.bridge.role.switchboard.counters
        for how in (How.EXITED, How.SILENT):  # Told twice.
            await made.bridge.process.neighbours.on_dead(DEAD, how)
        await wait_until(lambda: counters.resumed == CALLS, "all calls have a new leg")
        assert sorted(made.asked()) == sorted(call.call_sid for call in made.calls)
        assert rescuer.counters.asked[Outcome.DONE] == CALLS
        for call in made.calls:
            card = await made.card(call)
            assert (card["leg"], card["state"]) == ("2", "attached")
            assert ("rescued", "done") in await made.journal(call)
        await wait_until(lambda: not rescuer._stranded, "nothing is left to do")


async def test_a_lane_that_cannot_be_asked_keeps_no_other_waiting(valkey_url: str) -> None:
    """On a Cluster its master may be away for long: the calls of the others come back meanwhile."""
    async with scene(valkey_url, 1, lanes="2") as made:
        [call] = made.calls
        process, counters = made.bridge.process, made.bridge.role.switchboard.counters
        await process.store.redis.set(process.keys.live(1 - process.keys.lane(call.call_sid)), "no list")
        made.bridge.role.rescuer.ingress_died(DEAD)
        await wait_until(lambda: counters.resumed == 1, "the call has a new leg")


async def test_two_ingresses_ask_once(valkey_url: str) -> None:
    """Both see the death; Twilio hears of each call from one of them."""
    async with (
        scene(valkey_url, CALLS) as made,
        ingress(valkey_url, twilio_api_url=made.twilio.rest.url) as other,
    ):
        for bridge in (made.bridge, other):
            bridge.role.rescuer.ingress_died(DEAD)
        counters = made.bridge.role.switchboard.counters
        await wait_until(lambda: counters.resumed == CALLS, "all calls have a new leg")
        for bridge in (made.bridge, other):
            await wait_until(
                lambda b=bridge: not b.role.rescuer._stranded, "nothing is left to do", timeout_s=30
            )
        assert len(made.asked()) == CALLS


async def test_a_call_that_comes_back_by_itself_is_not_asked_for(valkey_url: str) -> None:
    """Its leg has risen by the time that it would be."""
    async with scene(valkey_url, 0) as made:
        call = await made.start(Knobs(pace=FAST))
        rescuer = made.bridge.role.rescuer
        assert [found.call_sid for found in await calls_of(made.bridge.process, DEAD, 0)] == [call.call_sid]
        rescuer.ingress_died(DEAD)
        await wait_until(lambda: rescuer.counters.found == 1, "it is known to be stranded")
        for stream in list(made.bridge.role.switchboard.table.streams):
            stream.socket.abort()
        await wait_until(lambda: rescuer.counters.returned == 1, "it was found to be back")
        assert made.asked() == []


async def test_a_call_that_is_on_its_way_back_is_left_alone(valkey_url: str) -> None:
    """Twilio has asked what comes next, and its stream is about to open: a request now would cut that. It is
    asked for once the token that it was given is of no use any more."""
    async with scene(valkey_url) as made:
        [call] = made.calls
        process = made.bridge.process
        leg = Leg(call.call_sid, 1, (await made.card(call))["stream_sid"])
        expires_at_ms = wall_ms() + 60_000
        reserved = await steps.reserve(
            process.store, process.keys, call.call_sid, nonce="n", expires_at_ms=expires_at_ms
        )
        assert reserved.nonce == "n"
        asked = partial(steps.rescue, process.store, process.keys, leg, worker=process.name, lease_ms=1_000)
        coming = await asked()
        assert (coming.is_ours, coming.is_settled, coming.left_ms) == (False, False, 2_000)
        await process.store.hset(process.keys.token(call.call_sid), "issued", f"n@{wall_ms() - 1}")
        assert (await asked()).is_ours


async def test_a_call_that_twilio_has_no_longer_ends(valkey_url: str) -> None:
    """Once it cannot come back any more, as one that found no new stream."""
    async with scene(valkey_url) as made:
        [call] = made.calls
        await wait_until(lambda: call.record.streams[0].frames_sent > 5, "its host has vanished")
        call.hang_up()
        await call.finished()
        made.bridge.role.rescuer.ingress_died(DEAD)
        await wait_until(
            lambda: made.bridge.role.rescuer.counters.asked[Outcome.GONE] == 1, "Twilio has said so"
        )
        await wait_until(
            lambda: made.bridge.role.switchboard.counters.ended == 1, "the call has ended", timeout_s=15
        )
        card = await made.card(call)
        assert (card["state"], card["outcome"]) == ("ended", "no_new_stream")
        assert ("rescued", "gone") in await made.journal(call)


async def test_a_twilio_that_fails_is_asked_again(valkey_url: str) -> None:
    """After the time that it names."""
    async with scene(valkey_url) as made:
        faults = made.twilio.rest.faults
        faults.failures, faults.status, faults.retry_after_s = 2, 503, 1
        made.bridge.role.rescuer.ingress_died(DEAD)
        counters = made.bridge.role.switchboard.counters
        await wait_until(lambda: counters.resumed == 1, "the call has a new leg", timeout_s=15)
        times = [request.at_s for request in made.twilio.rest.requests]
        assert [answer.status for answer in made.twilio.rest.answers] == [503, 503, 200]
        assert all(later - earlier >= 0.95 for earlier, later in pairwise(times))


async def test_an_answer_that_is_lost_does_not_cut_the_new_stream(valkey_url: str) -> None:
    """The call is back before it would be asked for again, and is left alone."""
    async with scene(valkey_url) as made:
        made.twilio.rest.faults.lost_answers = 1
        rescuer = made.bridge.role.rescuer
        rescuer.ingress_died(DEAD)
        await wait_until(lambda: rescuer.counters.returned == 1, "it was found to be back", timeout_s=15)
        assert len(made.asked()) == 1
        assert (await made.card(made.calls[0]))["leg"] == "2"


async def test_a_wrong_token_asks_once_for_all(valkey_url: str) -> None:
    """The others wait; nothing of the calls is changed."""
    async with scene(valkey_url, CALLS) as made:
        made.twilio.rest.auth_token = "another"
        rescuer = made.bridge.role.rescuer
        rescuer.ingress_died(DEAD)
        await wait_until(lambda: rescuer.counters.asked[Outcome.REFUSED] == 1, "Twilio has refused")
        assert len(made.asked()) == 1
        assert len(rescuer._stranded) == CALLS
        assert {(await made.card(call))["state"] for call in made.calls} == {"attached"}


async def test_an_ingress_that_lives_again_keeps_its_calls(valkey_url: str) -> None:
    """Whoever judged was wrong: nothing is asked."""
    async with scene(valkey_url) as made:
        rescuer = made.bridge.role.rescuer
        rescuer.ingress_died(DEAD)
        await wait_until(lambda: len(rescuer._stranded) == 1, "its call is known")
        made.bridge.process.neighbours.on_back(DEAD)
        assert len(rescuer._stranded) == 0


async def test_without_an_account_it_says_so(valkey_url: str) -> None:
    """At the start; a death then leads to nothing."""
    async with scene(valkey_url, twilio_account_sid="") as made:
        rescuer = made.bridge.role.rescuer
        rescuer.ingress_died(DEAD)
        assert rescuer.api.lacks == "TWILIO_ACCOUNT_SID"
        await wait_until(
            lambda: not any(t.get_name() == "rescuer" for t in made.bridge.process.tasks), "it has no task"
        )
        assert len(rescuer._stranded) == 0
