"""Dead air: which silence counts, from when, and what ends it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ingress.calls.dead_air import APOLOGISE_MS, DUE_MS, PAUSE_MS, STORE_AWAY_MS, DeadAir

CLIP_MS = 1000.0
NOTHING, PLAY, APOLOGISE = DeadAir.Step


def served(now_ms: float = 0.0) -> DeadAir:
    """A call whose egress has shown itself and spoken."""
    air = DeadAir(now_ms, CLIP_MS)
    air.spoken(now_ms)
    return air


def test_silence_of_a_quiet_talk_is_not_dead_air() -> None:
    """Nothing due, an egress there, Redis there: a caller may think for an hour."""
    air = served()
    assert {air.due(second * 1000.0, None) for second in range(3600)} == {NOTHING}


def test_no_egress() -> None:
    """Counted from the attach; `attach` of an egress ends it."""
    air = DeadAir(100, CLIP_MS)
    assert air.due(100 + DUE_MS - 1, None) is NOTHING
    assert air.due(100 + DUE_MS, None) is PLAY
    air.egress_seen()
    assert air.due(100 + APOLOGISE_MS, None) is NOTHING


def test_answer_due() -> None:
    """Counted from the brain's word; a frame ends it."""
    air = served()
    air.answer_due(1000, is_due=True)
    assert air.due(1000 + DUE_MS, None) is PLAY
    assert air.spoken(1000 + DUE_MS + 500)
    assert air.due(1000 + APOLOGISE_MS, None) is NOTHING


def test_redis_away() -> None:
    """Three seconds, whatever else is well."""
    air = served()
    assert air.due(STORE_AWAY_MS - 1, 0) is NOTHING
    assert air.due(STORE_AWAY_MS, 0) is PLAY
    assert air.due(APOLOGISE_MS, 0) is APOLOGISE


def test_clips_have_pauses() -> None:
    """One clip, its length and a pause, the next clip."""
    air = served()
    times = [t for t in range(0, 12_000, 250) if air.due(float(t), 0) is PLAY]
    assert times == [3000, 6000, 9000]
    assert times[1] - times[0] == CLIP_MS + PAUSE_MS


def test_clip_is_cleared_only_while_it_plays() -> None:
    """A frame long after the clip needs no clear; the next frame never does."""
    air = served()
    air.due(STORE_AWAY_MS, 0)
    assert air.is_restless
    assert not air.spoken(STORE_AWAY_MS + CLIP_MS + 1)
    assert not air.is_restless
    air.due(20_000, 17_000)
    assert air.spoken(20_500)
    assert not air.spoken(20_501)


@given(st.lists(st.tuples(st.floats(1, 3000), st.booleans(), st.booleans()), max_size=60))
def test_no_step_without_a_reason(steps: list[tuple[float, bool, bool]]) -> None:
    """Whatever happens: a clip or an apology only while something is due or Redis is away."""
    now_ms, away_at_ms, due_at_ms = 0.0, None, None
    air = served()
    for pause_ms, is_away, is_due in steps:
        now_ms += pause_ms
        away_at_ms = (now_ms if away_at_ms is None else away_at_ms) if is_away else None
        if is_due and due_at_ms is None:
            due_at_ms = now_ms
            air.answer_due(now_ms, is_due=True)
        step = air.due(now_ms, away_at_ms)
        if step is not NOTHING:
            longest = max(now_ms - at for at in (away_at_ms, due_at_ms) if at is not None)
            assert longest >= STORE_AWAY_MS
            assert (step is APOLOGISE) <= (longest >= APOLOGISE_MS)
