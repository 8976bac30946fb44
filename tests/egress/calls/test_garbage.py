"""What is no ring, no report, no reply, no letter: one call's at most, while the others go on."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from egress.calls import calls as calls_module
from egress.delivery import Delivery
from shared.contract.streams.doorbell import Why
from shared.contract.streams.pairs import BackKind
from shared.ownership.counters import Where
from shared.store.client import Store
from tests.egress.stage import frames_of, speech
from tests.egress.world import KEYS, SECOND, egress, held, owns, sid, world
from tests.support.waiting import wait_until

HEAD = [b"v", b"1", b"w", b"ingress-0@h#1", b"t", b"1.0"]
NUMBERS = st.sampled_from(
    [b"", b"0", b"-1", b"1", b"9" * 18, b"9" * 400, b"9" * 5000, b"inf", b"\xff", b"\0"]
)
SIDS = st.sampled_from([sid(1).encode(), sid(9).encode(), b"x", b"\xff", "é".encode()])
NAMES = st.builds(
    lambda kind, call, numbers: b":".join([kind, call, *numbers]),
    st.sampled_from([*(kind.value.encode() for kind in BackKind), b"nonsense", b""]),
    SIDS,
    st.lists(NUMBERS, max_size=5),
)
RINGS = st.builds(
    lambda call, why: [b"v", b"1", b"call", call, b"why", why],
    SIDS,
    st.sampled_from([*(why.value.encode() for why in Why if why is not Why.DRAIN), b"nonsense", b"\xff"]),
)
WORDS = st.lists(st.one_of(NAMES, NUMBERS, st.binary(max_size=20)), max_size=8)


async def test_no_ring_and_no_report_ends_a_process(store: Store, redis_url: str) -> None:
    """Of whatever shape, also of calls that do not exist and names that are no calls'."""
    async with world(store, redis_url) as here, egress(here) as (process, role):
        await here.call(2)
        await wait_until(owns(role), "egress has the innocent call")

        @settings(max_examples=150, suppress_health_check=list(HealthCheck), deadline=None)
        @given(st.lists(WORDS, max_size=3), st.lists(st.one_of(RINGS, WORDS), max_size=3))
        def feed(reports: list[list[bytes]], rings: list[list[bytes]]) -> None:
            role.readers.receive_back([(b"1-1", [*HEAD, *each]) for each in reports])
            role.readers.receive_back([(b"1-1", each) for each in reports])
            role.readers.receive_rings([(b"1-1", each) for each in rings])

        feed()
        audio = speech(SECOND)
        here.say(sid(2), audio)
        await wait_until(lambda: here.silent(sid(2)), "the innocent call is served")
        assert here.ingress.frames(sid(2)) == frames_of(audio)
        assert process.fatal is None


async def test_a_reply_that_breaks_the_core_costs_its_call_alone(
    store: Store, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is given back and claimed again, as often as attempts allow; the other one is heard to its end."""
    monkeypatch.setattr(calls_module, "REST_AFTER_BUG_S", 0.05)
    taken = Delivery.on_reply

    def broken(delivery: Delivery, entry_id: str, entry: Any, now: float) -> Any:
        if entry.item_id == "poison":
            raise OverflowError("a bug")
        return taken(delivery, entry_id, entry, now)

    monkeypatch.setattr(Delivery, "on_reply", broken)
    audio = speech(2 * SECOND)
    async with world(store, redis_url) as here, egress(here) as (process, role):
        poisoned, innocent = await here.call(1), await here.call(2)
        await wait_until(owns(role, 2), "egress has both")
        here.say(poisoned, speech(800), "poison")
        here.say(innocent, audio)
        await wait_until(lambda: here.silent(innocent), "the innocent call is heard to its end")

        async def is_turned_away() -> bool:
            return (await here.card(poisoned)).get("cause") == "quarantined"

        await wait_until(is_turned_away, "three owners have failed at the other one")
        assert here.ingress.frames(innocent) == frames_of(audio)
        assert process.ownership.bugs[Where.REPLY] == 3
        assert process.fatal is None


async def test_what_stands_in_control_ends_no_process(store: Store, redis_url: str) -> None:
    """Typed by a person, or written in a process's name: figures beyond all bounds, kinds of another
    version."""
    async with world(store, redis_url) as here, egress(here) as (process, role):
        call = await here.served(role)
        for fields in (
            {"kind": "stream", "leg": "inf"},
            {
                "v": "1",
                "kind": "stream",
                "from": "ingress-0@h#1",
                "leg": "9" * 400,
                "stream_sid": "",
                "ingress": "",
            },
            {"v": "1", "kind": "detached", "from": "x", "leg": "-1", "cause": ""},
            {"v": "9", "kind": "nonsense", "from": "é"},
            {"": ""},
        ):
            await store.xadd(KEYS.control(call), fields)
        last = (await store.xrevrange(KEYS.control(call), count=1))[0][0].decode()
        await wait_until(lambda: held(role, call).control.position == last, "all was read")
        assert process.fatal is None
        assert role.live_calls() == 1
