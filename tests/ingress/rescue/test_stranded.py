"""The rule of asking for calls: the wait, the rate, the pauses, once."""

from __future__ import annotations

from itertools import pairwise

from ingress.rescue.stranded import (
    AT_ONCE,
    GIVE_UP_MS,
    HOLD_MS,
    LONGEST_PAUSE_MS,
    SPACING_MS,
    WAIT_MS,
    Outcome,
    StrandedCall,
    StrandedCalls,
)

DEAD = "ingress-0@far#a"


def orphan(number: int = 0, leg: int = 1, ingress: str = DEAD) -> StrandedCall:
    return StrandedCall(f"CA{number:032x}", leg, ingress)


def asked(stranded: StrandedCalls, from_ms: float, ms: float) -> list[tuple[float, StrandedCall]]:
    """What is asked for in that time, each answered at once by nobody."""
    found, now = [], from_ms
    while now < from_ms + ms:
        due = stranded.due(now)
        if due is not None:
            found.append((now, due))
            stranded.answered(due, Outcome.DONE, now)
        now += 10
    return found


def test_a_call_has_time_to_come_back_by_itself() -> None:
    """Nothing is asked before the wait is over, and then at once."""
    stranded = StrandedCalls()
    assert stranded.found([orphan()], 0) == 1
    assert stranded.next_at_ms() == WAIT_MS
    assert stranded.due(WAIT_MS - 1) is None
    assert stranded.due(WAIT_MS) == orphan()


def test_silence_that_has_passed_counts() -> None:
    """Its calls have had the time before it was found dead: nobody waits twice."""
    for silent_ms, wait_ms in ((500.0, WAIT_MS - 500), (WAIT_MS + 700, 0.0)):
        stranded = StrandedCalls()
        stranded.found([orphan()], 0, silent_ms=silent_ms)
        assert stranded.next_at_ms() == wait_ms


def test_no_more_than_twenty_a_second() -> None:
    """However many calls a dead ingress had."""
    stranded = StrandedCalls()
    stranded.found([orphan(number) for number in range(100)], 0)
    times = [at for at, _ in asked(stranded, WAIT_MS, 6_000)]
    assert len(times) == 100
    assert min(b - a for a, b in pairwise(times)) >= SPACING_MS


def test_requests_under_way_are_bounded() -> None:
    """A Twilio that does not answer is not asked more."""
    stranded = StrandedCalls()
    stranded.found([orphan(number) for number in range(50)], 0)
    now, under_way = WAIT_MS, 0
    for _ in range(50):
        under_way += stranded.due(now) is not None
        now += SPACING_MS
    assert under_way == AT_ONCE
    assert stranded.next_at_ms() == GIVE_UP_MS, "no busy loop"


def test_a_call_is_asked_for_once() -> None:
    """It may be found again while it waits, and is under way once only."""
    stranded = StrandedCalls()
    assert stranded.found([orphan()], 0) == 1
    assert stranded.found([orphan()], 500) == 0
    assert stranded.due(WAIT_MS) == orphan()
    assert stranded.due(WAIT_MS + 1_000) is None
    stranded.answered(orphan(), Outcome.DONE, WAIT_MS + 1_000)
    assert len(stranded) == 0
    assert stranded.next_at_ms() is None


def test_what_is_final_is_forgotten() -> None:
    """Back, settled, done, gone: nothing more is to be asked."""
    for outcome in (Outcome.RETURNED, Outcome.SETTLED, Outcome.DONE, Outcome.GONE):
        stranded = StrandedCalls()
        stranded.found([orphan()], 0)
        assert stranded.due(WAIT_MS) is not None
        stranded.answered(orphan(), outcome, WAIT_MS)
        assert len(stranded) == 0, outcome


def test_later_is_tried_again_after_pauses_that_grow() -> None:
    """Doubled, up to a bound."""
    stranded = StrandedCalls()
    stranded.found([orphan()], 0)
    now, pauses = WAIT_MS, []
    for _ in range(6):
        assert stranded.due(now) == orphan()
        stranded.answered(orphan(), Outcome.LATER, now)
        at_ms = stranded.next_at_ms()
        assert at_ms is not None
        pauses.append(at_ms - now)
        now = at_ms
    assert pauses == [1_000, 2_000, 4_000, 8_000, LONGEST_PAUSE_MS, LONGEST_PAUSE_MS]


def test_a_time_that_was_named_is_kept() -> None:
    """Twilio's Retry-After, and what another ingress has left."""
    stranded = StrandedCalls()
    stranded.found([orphan()], 0)
    for outcome in (Outcome.LATER, Outcome.TAKEN):
        at_ms = stranded.next_at_ms()
        assert at_ms is not None
        assert stranded.due(at_ms) == orphan()
        stranded.answered(orphan(), outcome, at_ms, after_ms=3_000)
        assert stranded.next_at_ms() == at_ms + 3_000


def test_a_refusal_holds_all() -> None:
    """A wrong token is wrong for every call."""
    stranded = StrandedCalls()
    stranded.found([orphan(0), orphan(1)], 0)
    first = stranded.due(WAIT_MS)
    assert first is not None
    stranded.answered(first, Outcome.REFUSED, WAIT_MS)
    assert stranded.due(WAIT_MS + HOLD_MS - 1) is None
    assert stranded.due(WAIT_MS + HOLD_MS) == orphan(1)


def test_who_waits_for_too_long_is_given_up() -> None:
    """Told once, then forgotten."""
    stranded = StrandedCalls()
    stranded.found([orphan()], 0)
    assert stranded.given_up(GIVE_UP_MS - 1) == []
    assert stranded.given_up(GIVE_UP_MS) == [orphan()]
    assert len(stranded) == 0


def test_an_ingress_that_lives_keeps_its_calls() -> None:
    """Those of another dead one are still waited for; what is under way is finished."""
    stranded, other = StrandedCalls(), "ingress-1@far#b"
    stranded.found([orphan(0), orphan(1)], 0)
    stranded.found([orphan(2, ingress=other)], 10)
    under_way = stranded.due(WAIT_MS)
    assert under_way is not None
    stranded.alive(DEAD)
    stranded.answered(under_way, Outcome.LATER, WAIT_MS)
    assert stranded.due(WAIT_MS + 100) == orphan(2, ingress=other)
    assert len(stranded) == 2
