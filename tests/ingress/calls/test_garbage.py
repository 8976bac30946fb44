"""What is no entry, no pair, no deadline: one call's at most, while the others go on."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingress.calls.call import IngressCall
from shared.contract.streams.pairs import Name, OutKind
from shared.ownership.counters import Where
from tests.ingress.harness import Ingress, call_sid, frame, other
from tests.support.waiting import wait_until

NUMBERS = st.sampled_from(
    [b"", b"0", b"-1", b"1", b"9" * 18, b"9" * 400, b"9" * 5000, b"inf", b"\xff", b"\0"]
)
NAMES = st.builds(
    lambda kind, sid, numbers: b":".join([kind, sid, *numbers]),
    st.sampled_from([*(kind.value.encode() for kind in OutKind), b"nonsense", b""]),
    st.sampled_from([call_sid(0).encode(), call_sid(9).encode(), b"x", b"\xff"]),
    st.lists(NUMBERS, max_size=5),
)
VALUES = st.one_of(NUMBERS, st.binary(max_size=200))
PAIRS = st.lists(st.one_of(NAMES, VALUES), max_size=8)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(PAIRS, max_size=3), st.booleans())
async def test_no_entry_of_out_ends_a_process_or_another_call(
    bridge: Ingress, garbage: list[list[bytes]], has_head: bool
) -> None:
    """A frame of an innocent call behind it is counted as every other."""
    board = bridge.role.switchboard
    head = [b"v", b"1", b"w", b"egress-0@far#a", b"t", b"1.0"] if has_head else []
    innocent = [b"v", b"1", b"w", b"egress-0@far#a", b"t", b"1.0", *frame(1, 1)]
    before = board.counters.out_other_calls
    board.receive_out([*((b"1-1", [*head, *each]) for each in garbage), (b"2-1", innocent)])
    assert board.counters.out_other_calls > before
    assert bridge.process.fatal is None


async def test_a_bug_in_one_call_costs_it_its_stream_and_the_others_nothing(
    bridge: Ingress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes back on a new one; pairs behind it in the same entry arrive."""
    first, second = await bridge.live(0), await bridge.live(1)
    receive = IngressCall.receive

    def broken(call: IngressCall, worker: str, name: Name, value: bytes, now_ms: float) -> bool:
        if call.call_sid == call_sid(0):
            raise RuntimeError("a bug")
        return receive(call, worker, name, value, now_ms)

    monkeypatch.setattr(IngressCall, "receive", broken)
    await bridge.out(other("mark", 0, b"x"), other("mark", 1, b"y"))
    assert await first.closed() == (1011, "bug")
    ((message,),) = [await second.receive()]
    assert message["event"] == "mark"
    assert bridge.process.ownership.bugs[Where.OUT] == 1
    assert bridge.role.switchboard.counters.failed == 1
    await wait_until(lambda: bridge.is_in_state("detached", 0), "the card says that its stream is gone")
    assert await bridge.is_in_state("attached", 1)


async def test_a_bug_in_the_look_at_one_call_leaves_the_others_looked_at(
    bridge: Ingress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sweep goes on with the next one, and comes again."""
    first = await bridge.live(0)
    await bridge.live(1)
    fill, seen = IngressCall.fill_silence, []

    def broken(call: IngressCall, now_ms: float, *, store_away: bool, store_refuses: bool) -> bool:
        seen.append(call.call_sid)
        if call.call_sid == call_sid(0):
            raise RuntimeError("a bug")
        return fill(call, now_ms, store_away=store_away, store_refuses=store_refuses)

    monkeypatch.setattr(IngressCall, "fill_silence", broken)
    assert await first.closed() == (1011, "bug")
    await wait_until(lambda: seen.count(call_sid(1)) >= 3, "the other one is looked at again and again")
    assert seen.count(call_sid(0)) == 1


async def test_what_stands_among_the_deadlines_harms_no_end(bridge: Ingress) -> None:
    """A name that is none, a card of the wrong type, a leg that is no number: the one that is due ends."""
    process = bridge.process
    store, keys = process.store, process.keys
    await bridge.live(0)
    await store.redis.set(keys.card(call_sid(7)), "no card")
    await store.redis.hset(  # type: ignore[misc]
        keys.card(call_sid(8)), mapping={"state": "detached", "deadline_leg": "x", "deadline_outcome": "y"}
    )
    await store.redis.hset(
        keys.card(call_sid(0)), mapping={"deadline_leg": "1", "deadline_outcome": "abandoned"}
    )  # type: ignore[misc]
    await store.zadd(
        keys.deadlines(0), {"nonsense": 1.0, call_sid(7): 1.0, call_sid(8): 1.0, call_sid(0): 2.0}
    )
    await wait_until(lambda: bridge.is_in_state("ended", 0), "the call that is due has ended")
    assert process.fatal is None
