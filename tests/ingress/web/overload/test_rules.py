"""Whether one more call may come: each bound by itself, the order, the hysteresis."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingress.errors import WebhookReason
from ingress.web.overload.rules import (
    IN_TIME_FOR_MS,
    LATE_FOR_MS,
    ON_THE_WAY_MS,
    Bounds,
    LateGate,
    Load,
    OnTheWay,
    judge,
)

BOUNDS = Bounds(calls=100, late_ms=15.0, model_left=0.05)
CALM = Load(calls=10, is_late=False, files=50, files_most=1000, model_left=0.9)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"calls": 99}, None),
        ({"calls": 100}, WebhookReason.PROCESS),
        ({"is_late": True}, WebhookReason.LATE),
        ({"files": 799}, None),
        ({"files": 800}, WebhookReason.FILES),
        ({"files": 10_000, "files_most": 0}, None),
        ({"model_left": 0.05}, None),
        ({"model_left": 0.049}, WebhookReason.MODEL),
        ({"model_left": None}, None),
    ],
)
def test_each_bound(change: dict[str, object], reason: WebhookReason | None) -> None:
    """At the bound, and just before it."""
    assert judge(dataclasses.replace(CALM, **change), BOUNDS) is reason  # type: ignore[arg-type]


def test_what_has_no_bound_refuses_nobody() -> None:
    """But descriptors, which have one of their own."""
    full = Load(calls=10**6, is_late=False, files=0, files_most=10, model_left=0.0)
    assert judge(full, Bounds()) is None


def test_a_loop_is_late_when_it_is_mostly_late_for_a_while() -> None:
    """And in time when it has been so for longer, by far enough."""
    gate = LateGate(15.0)
    assert not gate.look(19.0, 0)
    assert not gate.look(15.0, LATE_FOR_MS - 1)
    assert gate.look(15.0, LATE_FOR_MS)
    at_ms = LATE_FOR_MS
    assert gate.look(14.0, at_ms + IN_TIME_FOR_MS)
    assert gate.look(7.0, at_ms + IN_TIME_FOR_MS + 1)
    assert gate.look(7.0, at_ms + 2 * IN_TIME_FOR_MS)
    assert not gate.look(7.0, at_ms + 2 * IN_TIME_FOR_MS + 1)


def test_a_burst_makes_no_loop_late() -> None:
    """It is late, and in time before that counts; then it has its whole time again."""
    gate = LateGate(15.0)
    for at_ms in range(0, 20_000, 800):
        assert not gate.look(20.0, at_ms)
        assert not gate.look(20.0, at_ms + LATE_FOR_MS / 2)
        assert not gate.look(1.0, at_ms + LATE_FOR_MS / 2 + 100)


def test_without_a_bound_no_loop_is_late() -> None:
    """0 says so."""
    gate = LateGate(0.0)
    assert not any(gate.look(20.0, at_ms) for at_ms in range(0, 10_000, 250))


@given(st.lists(st.tuples(st.floats(0, 20), st.floats(1, 1_000)), max_size=60))
def test_it_never_flaps(looks: list[tuple[float, float]]) -> None:
    """Between two changes of mind lies the whole time of one of them."""
    gate, now, changed_ms = LateGate(15.0), 0.0, 0.0
    for mostly_ms, after_ms in looks:
        now += after_ms
        before = gate.is_late
        if gate.look(mostly_ms, now) is not before:
            assert now - changed_ms >= (IN_TIME_FOR_MS if before else LATE_FOR_MS)
            changed_ms = now


def test_a_call_is_on_its_way_until_it_is_here_or_would_have_come() -> None:
    """To this process, or to another one."""
    way = OnTheWay()
    for number in range(4):
        way.let_in(f"CA{number}", float(number))
    way.leave("CA0")
    assert way.count(10.0, {"CA1"}.__contains__) == 2
    assert way.has("CA2")
    way.let_in("CA2", 900.0)
    assert way.count(ON_THE_WAY_MS + 2, lambda _sid: False) == 1
    assert way.count(ON_THE_WAY_MS + 3, lambda _sid: False) == 0
