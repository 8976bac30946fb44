"""To the carrier and back, by literal times."""

from __future__ import annotations

from itertools import pairwise

from ingress.media.round_trip import FEW, FIRST_PINGS_EVERY_MS, MOST_MS, PING_EVERY_MS, RoundTrip


def answered(trip: RoundTrip, at_ms: float, took_ms: float) -> None:
    """A ping that is due, and its pong."""
    payload = trip.ping_due(at_ms)
    assert payload is not None
    trip.pong(payload, at_ms + took_ms)


def measured(*took_ms: float) -> RoundTrip:
    trip = RoundTrip()
    for number, took in enumerate(took_ms):
        answered(trip, number * PING_EVERY_MS, took)
    return trip


def test_nothing_is_known_before_a_pong() -> None:
    """Nor told."""
    trip = RoundTrip()
    assert trip.ping_due(0.0) == b"1"
    assert trip.ms is None
    assert trip.news() is None


def test_the_middle_of_the_last_seven_counts() -> None:
    """One slow way is not the way."""
    assert measured(200.0, 210.0, 900.0).ms == 210.0
    assert measured(900.0, *[100.0] * 3, *[200.0] * 4).ms == 200.0


def test_it_asks_often_until_it_knows_a_little() -> None:
    """Then every two seconds."""
    trip, asked_at_ms, now_ms = RoundTrip(), [], 0.0
    while len(asked_at_ms) < FEW + 2:
        payload = trip.ping_due(now_ms)
        if payload is not None:
            asked_at_ms.append(now_ms)
            trip.pong(payload, now_ms + 80.0)
        now_ms += FIRST_PINGS_EVERY_MS
    pauses_ms = [later - sooner for sooner, later in pairwise(asked_at_ms)]
    assert pauses_ms == [FIRST_PINGS_EVERY_MS] * FEW + [PING_EVERY_MS]


def test_who_never_answers_is_asked_every_two_seconds() -> None:
    """A carrier may not answer pings at all."""
    trip = RoundTrip()
    asked_at_ms = [at * 250.0 for at in range(25) if trip.ping_due(at * 250.0) is not None]
    assert asked_at_ms == [0.0, MOST_MS, 2 * MOST_MS, 3 * MOST_MS]


def test_a_way_longer_than_the_first_pauses_is_measured() -> None:
    """A ping that is under way is waited for."""
    trip = RoundTrip()
    first = trip.ping_due(0.0)
    assert first is not None
    assert trip.ping_due(FIRST_PINGS_EVERY_MS) is None
    trip.pong(first, 300.0)
    assert trip.ms == 300.0
    assert trip.ping_due(2 * FIRST_PINGS_EVERY_MS) == b"2"


def test_a_pong_of_another_ping_says_nothing() -> None:
    """Of an earlier one, of nobody's, or the same again."""
    trip = RoundTrip()
    first = trip.ping_due(0.0)
    second = trip.ping_due(5_000.0)
    assert first is not None
    assert second is not None
    trip.pong(first, 5_010.0)
    trip.pong(b"", 5_010.0)
    assert trip.ms is None
    trip.pong(second, 5_090.0)
    trip.pong(second, 5_900.0)
    assert trip.ms == 90.0


def test_a_socket_that_stood_still_is_no_long_way() -> None:
    """Two seconds at most."""
    trip = RoundTrip()
    answered(trip, 0.0, MOST_MS + 1.0)
    assert trip.ms is None


def test_it_is_news_once_and_when_it_has_changed() -> None:
    """By a fifth of a frame; or where somebody new asks."""
    trip = RoundTrip()
    answered(trip, 0.0, 100.0)
    assert [trip.news(), trip.news()] == [100.0, None]
    answered(trip, 5_000.0, 104.0)
    assert trip.news() is None
    answered(trip, 10_000.0, 300.0)
    assert trip.news() == 104.0
    trip.tell_again()
    assert [trip.news(), trip.news()] == [104.0, None]
