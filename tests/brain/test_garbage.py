"""What is no ring and no letter, and a bug in one call: that call's at most, while the process goes on."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brain.call.call import BrainCall
from shared.contract.card import Next
from shared.contract.claiming import MOST_ATTEMPTS
from shared.contract.streams.doorbell import Why
from shared.contract.streams.journal import Kind
from shared.contract.streams.reply import ReplyKind
from shared.ownership.counters import Where
from shared.store.client import Store
from simulators.realtime import Knobs, RealtimeSimulator, ResponseKnobs
from tests.brain.stage import KEYS, Line, brain, clip, line, serving
from tests.support.waiting import wait_until

QUICK = Knobs(response=ResponseKnobs(first_audio_ms=20, speed_factor=50, stragglers=2))
RINGS = st.builds(
    lambda call, why: [b"v", b"1", b"call", call, b"why", why],
    st.sampled_from([b"CA" + b"9" * 32, b"x", b"", b"\xff", "é".encode()]),
    st.sampled_from([*(why.value.encode() for why in Why if why is not Why.DRAIN), b"nonsense", b"\xff"]),
)
LETTERS: list[dict[str, str]] = [
    {"kind": "stream", "leg": "inf"},
    {"kind": "say", "text": "\0" * 5_000, "force": "nonsense"},
    {"kind": "hang", "x": "9" * 10_000},
    {"": ""},
    {"v": "1", "kind": "audible", "from": "egress-0@h#1", "cut": "0", "response": "r", "item": "i",
     "heard_ms": "9" * 400, "frames_waiting": "1"},
    {"v": "1", "kind": "heard", "from": "egress-0@h#1", "cut": "-9", "response": "", "item": "",
     "heard_ms": "-1", "frames_waiting": str(2**62)},
    {"v": "1", "kind": "silent", "from": "egress-0@h#1", "cut": str(2**62), "response": "r", "item": "i",
     "heard_ms": str(2**62), "frames_waiting": "0", "cause": "nonsense"},
    {"v": "1", "kind": "flushed", "from": "egress-0@h#1", "cut": "0", "items": "[" * 2_000},
    {"v": "1", "kind": "flushed", "from": "egress-0@h#1", "cut": "0", "items": '[{"item": 1}]'},
    {"v": "1", "kind": "stream", "from": "ingress-0@h#1", "leg": str(2**62), "stream_sid": "",
     "ingress": "x y"},
    {"v": "1", "kind": "outranked", "from": "x", "worker": "nobody", "highest": str(2**62)},
    {"v": "1", "kind": "dtmf", "from": "x", "digit": "\0" * 100, "leg": "-1"},
    {"v": "1", "kind": "dialled", "from": "twilio", "status": "\xff"},
]  # fmt: skip


def done(here: Line, responses: int) -> bool:
    return here.kinds().count(ReplyKind.RESPONSE_END) >= responses


async def test_nothing_that_is_typed_or_rung_ends_a_process(store: Store, redis_url: str) -> None:
    """Nor the call that it is about, as long as what is left of it is served."""
    async with (
        RealtimeSimulator(knobs=QUICK) as sim,
        brain(redis_url, sim) as (process, role),
        line(store, redis_url) as here,
    ):
        await serving(role)

        @settings(max_examples=100, suppress_health_check=list(HealthCheck), deadline=None)
        @given(st.lists(st.one_of(RINGS, st.lists(st.binary(max_size=6), max_size=6)), max_size=3))
        def ring(rings: list[list[bytes]]) -> None:
            role._on_rings([(b"1-1", each) for each in rings])

        ring()
        for fields in LETTERS:
            await store.xadd(KEYS.control(here.call_sid), fields)
        await store.xadd(KEYS.control(here.call_sid), {"kind": "hangup", "reason": "enough"})
        await wait_until(lambda: _hung_up(here), "the last letter is obeyed")
        assert process.fatal is None


async def _hung_up(here: Line) -> bool:
    return any(entry.kind == Kind.HANG_UP for entry in await here.journal())


@pytest.mark.parametrize("place", ["upkeep", "still_owes"])
async def test_a_bug_that_each_owner_meets_ends_that_call_in_words(
    store: Store, redis_url: str, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """It is tried three times; then its caller hears the apology. The other one is answered."""
    async with (
        RealtimeSimulator(knobs=QUICK) as sim,
        brain(redis_url, sim) as (process, role),
        line(store, redis_url) as here,
    ):
        await serving(role)
        async with line(store, redis_url, 2) as there:
            await wait_until(lambda: role.counters.sessions_confirmed == 2, "both are served")
            look = getattr(BrainCall, place)

            def broken(call: BrainCall, **said: bool) -> object:
                if call.call_sid == here.call_sid:
                    raise RuntimeError("a bug")
                return look(call, **said)

            monkeypatch.setattr(BrainCall, place, broken)
            await here.card_says("next", Next.APOLOGY.value)
            await there.speak(clip("en_caller_ask"))
            await wait_until(lambda: done(there, 2), "the other caller is answered")
            assert process.ownership.bugs[Where.LOOK] >= 3
            assert role.counters.calls_failed == MOST_ATTEMPTS
            assert process.ownership.quarantined == 1
            assert process.fatal is None
            await there.end()
        await here.end()
