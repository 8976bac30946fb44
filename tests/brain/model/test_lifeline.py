"""When another session is tried, when nothing helps, and when a session is old."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from brain.model.lifeline import (
    BESIDE_AGAIN_MS,
    LONGEST_PAUSE_MS,
    MAX_SESSIONS,
    OUTAGE_MS,
    Again,
    GiveUp,
    Lifeline,
    Rollover,
)

LONGEST_OPENING_MS, ANSWER_MS, APOLOGY_AT_MS = 1_500.0, 1_000.0, 12_000.0
"""Of a healthy server; from a session to the first sound; where sound is owed (ingress)."""


def alive(life_ms: float = 0.0) -> Lifeline:
    lifeline = Lifeline()
    lifeline.begin(0.0)
    lifeline.confirmed(0.0, life_ms)
    return lifeline


def test_a_single_cut_is_mended_at_once() -> None:
    """The first loss in a while: no pause."""
    assert alive().lost("closed_1006", False, 1_000) == Again(0.0)


def test_a_fatal_cause_is_the_end() -> None:
    """Lost or refused."""
    assert alive().lost("insufficient_quota", True, 1_000) == GiveUp("insufficient_quota")
    assert Lifeline().refused("connect_refused", True, 0) == GiveUp("connect_refused")


def test_an_outage_is_tried_with_doubling_pauses_until_its_bound() -> None:
    """250, 500, 1000, 1500, 1500 … and an end after 15 s."""
    lifeline = alive()
    lifeline.lost("closed_1006", False, 0)
    now, pauses = 0.0, []
    while isinstance(verdict := lifeline.refused("connect_failed", False, now), Again):
        pauses.append(verdict.after_ms)
        now += verdict.after_ms

    assert pauses[:5] == [250, 500, 1_000, 1_500, 1_500]
    assert verdict == GiveUp("connect_failed")
    assert OUTAGE_MS - 1_500 <= now < OUTAGE_MS


def test_a_fault_that_passes_within_eight_seconds_ends_in_a_session() -> None:
    """At a call's start as in its middle, and in time: the caller hears an answer before the apology."""
    for lifeline in (Lifeline(), alive()):
        lifeline.begin(0)
        now = 0.0
        while now <= 8_000:
            verdict = lifeline.refused("connect_failed", False, now)
            assert isinstance(verdict, Again)
            now += verdict.after_ms
        assert now + LONGEST_OPENING_MS + ANSWER_MS < APOLOGY_AT_MS

    longest_ms = max(LONGEST_PAUSE_MS, BESIDE_AGAIN_MS)
    assert 8_000 + longest_ms + LONGEST_OPENING_MS + ANSWER_MS <= APOLOGY_AT_MS


def test_an_outage_has_an_end_that_is_known_beforehand() -> None:
    """So that attempts that hang can be ended by it too; a session that serves has none."""
    lifeline = Lifeline()
    lifeline.begin(100)
    lifeline.begin(5_000)
    assert lifeline.give_up_at_ms == 100 + OUTAGE_MS

    lifeline.confirmed(6_000, 0)
    assert lifeline.give_up_at_ms is None
    lifeline.lost("half_open", False, 9_000)
    lifeline.begin(9_001)
    assert lifeline.give_up_at_ms == 9_000 + OUTAGE_MS


def test_a_lost_session_takes_its_rollover_along() -> None:
    """Whoever waits for it waits for nothing."""
    lifeline = alive(20_000)
    lifeline.lost("closed_1006", False, 1_000)

    assert lifeline.rollover is None


def test_sessions_that_die_young_are_not_asked_for_for_ever() -> None:
    """Five losses without a completed response between them."""
    lifeline = alive()
    verdicts = []
    for number in range(5):
        verdicts.append(lifeline.lost("closed_1011", False, number * 1_000))
        lifeline.confirmed(number * 1_000 + 500, 0)

    assert [isinstance(verdict, Again) for verdict in verdicts] == [True, True, True, True, False]
    assert verdicts[-1] == GiveUp("session_unstable")


def test_a_completed_response_forgives() -> None:
    """The session works: what was before is no sign any more."""
    lifeline = alive()
    for number in range(20):
        assert isinstance(lifeline.lost("closed_1011", False, number * 1_000), Again)
        lifeline.confirmed(number * 1_000 + 500, 0)
        lifeline.response_completed()


def test_a_session_of_an_hour_is_rolled_over_in_its_last_five_minutes() -> None:
    """When time gets short while something is played; without such a moment 20 s before the end."""
    lifeline = alive(3_600_000)

    assert lifeline.rollover == Rollover(3_300_000, 3_384_000, 3_580_000)


def test_a_short_life_is_scaled() -> None:
    """Twenty seconds, as in tests: from 12 s on, at 18 s at the latest."""
    lifeline = alive(20_000)

    assert lifeline.rollover == Rollover(12_000, 13_800, 18_000)


def test_an_unknown_life_is_never_rolled_over() -> None:
    """The server did not say; its end is a loss like any other."""
    lifeline = alive(20_000)
    lifeline.confirmed(5_000, 0)

    assert lifeline.rollover is None


@given(
    st.lists(st.tuples(st.sampled_from(["confirmed", "lost", "refused", "completed"]), st.integers(1, 3_000)))
)
def test_no_reconnect_is_endless(events: list[tuple[str, int]]) -> None:
    """Whatever happens: sessions are bounded, and so is every outage."""
    lifeline, now = Lifeline(), 0.0
    lifeline.begin(now)
    out_since: float | None = now
    for kind, wait_ms in events * 40:
        verdict: Again | GiveUp = Again(0.0)
        match kind:
            case "confirmed" if out_since is not None:
                lifeline.confirmed(now, 0)
                out_since = None
            case "lost" if out_since is None:
                verdict = lifeline.lost("x", False, now)
                out_since = now
            case "refused" if out_since is not None:
                verdict = lifeline.refused("x", False, now)
                assert isinstance(verdict, GiveUp) or now + verdict.after_ms - out_since < OUTAGE_MS
            case "completed":
                lifeline.response_completed()
            case _:
                pass
        if isinstance(verdict, GiveUp):
            return
        now += verdict.after_ms + wait_ms
        assert lifeline.sessions <= MAX_SESSIONS
