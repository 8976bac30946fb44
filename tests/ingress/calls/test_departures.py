"""When the calls of a process that ends are moved: quiet ones first, at a pace, all within a bound."""

from __future__ import annotations

from ingress.calls.departures import QUIET_WITHIN_MS, SPACING_MS, SPREAD_MS, Departures

STEP_MS = 20.0


def moved(calls: int, quiet: dict[int, float] | None = None) -> dict[int, float]:
    """When each of so many calls is moved; `quiet`: from when on it is quiet, at once if it is not named."""
    departures, here, found, now = Departures(calls, 0.0), list(range(calls)), {}, 0.0
    while here and now < 60_000:
        asked = [(call, now >= (quiet or {}).get(call, 0.0)) for call in here]
        for call in departures.choose(asked, now):
            found[call] = now
            here.remove(call)
        now += STEP_MS
    return found


def test_a_quiet_call_goes_at_once() -> None:
    """Alone, there is nothing to wait for."""
    assert moved(1) == {0: 0.0}


def test_a_call_is_waited_for_until_it_is_quiet() -> None:
    """In the middle of a word only when the time is over."""
    assert moved(2, {0: 1_000, 1: float("inf")}) == {0: 1_000.0, 1: QUIET_WITHIN_MS}


def test_calls_go_one_after_the_other() -> None:
    """However many are quiet at once."""
    times = sorted(moved(40).values())
    assert times[-1] == 39 * SPACING_MS
    assert len(set(times)) == 40


def test_two_hundred_calls_take_some_seconds() -> None:
    """They are spread, and all are gone within the bound, even if all speak on."""
    quiet = moved(200)
    assert SPREAD_MS - 100 < max(quiet.values()) <= SPREAD_MS
    loud = moved(200, dict.fromkeys(range(200), float("inf")))
    assert len(loud) == 200
    assert min(loud.values()) == QUIET_WITHIN_MS
    assert max(loud.values()) <= QUIET_WITHIN_MS + SPREAD_MS


def test_silence_is_not_made_up_for() -> None:
    """Calls that become quiet together after a while still go one after the other."""
    times = sorted(moved(10, dict.fromkeys(range(10), 2_000.0)).values())
    assert times[0] == 2_000
    assert times[-1] >= 2_000 + 8 * SPACING_MS, "at most one step is made up for"
