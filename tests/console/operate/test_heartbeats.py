"""The watchdog's rule, by the clock of the test: looks at literal times, each with literal beats."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from console.operate.heartbeats import LOOK_MS, NEXT_MS, Heartbeats, Running
from shared.ownership.liveness import GAP_POLLS, OUTAGE_POLLS

BRAIN = Running(name="brain-0", pid=10)
EGRESS = Running(name="egress-0", pid=20)
GAP_MS, OUTAGE_MS = GAP_POLLS * LOOK_MS, OUTAGE_POLLS * LOOK_MS


def looks(heartbeats: Heartbeats, from_s: int, to_s: int, beats: dict[int, int] | None) -> list[str]:
    """Names of the processes found hung, over looks with the same beats, one a second, the last one before
    `to_s`."""
    found = []
    for at_s in range(from_s, to_s):
        hung = heartbeats.judge(at_s * 1000, [BRAIN, EGRESS], beats)
        found += [each.process.name for each in hung]
    return found


def test_a_beat_that_moves_is_life() -> None:
    """However long."""
    heartbeats = Heartbeats()
    found = [looks(heartbeats, at_s, at_s + 1, {10: at_s, 20: at_s}) for at_s in range(300)]
    assert found == [[]] * 300


def test_a_beat_that_stands_still_is_not() -> None:
    """Killed at the first look after more than 10 s of silence; the sibling that beats is left alone."""
    heartbeats = Heartbeats()
    looks(heartbeats, 0, 30, {10: 1, 20: 1})
    found = {at_s: looks(heartbeats, at_s, at_s + 1, {10: 2, 20: at_s}) for at_s in range(100, 112)}
    assert {at_s: names for at_s, names in found.items() if names} == {111: ["brain-0"]}


def test_the_silence_is_told() -> None:
    """For the log."""
    heartbeats = Heartbeats()
    found = [hung for s in range(20) for hung in heartbeats.judge(s * 1000, [BRAIN], {10: 1})]
    assert [(hung.process, hung.silent_ms) for hung in found] == [(BRAIN, 16_000)]


def test_nobody_is_judged_in_its_first_15_s() -> None:
    """A new pid under the same name starts again, a killed one too."""
    heartbeats = Heartbeats()
    assert looks(heartbeats, 0, 16, {10: 1, 20: 1}) == []
    again = [Running(name="brain-0", pid=11)]
    hung = {at_s: heartbeats.judge(at_s * 1000, again, {11: 1}) for at_s in range(20, 45)}
    assert [at_s for at_s, found in hung.items() if found] == [36]


def test_of_a_role_one_at_a_time() -> None:
    """Both brains stand still: the one that has done so for longer goes first, the other one 5 s later."""
    heartbeats = Heartbeats()
    brains = [Running(name="brain-0", pid=10), Running(name="brain-1", pid=11), EGRESS]
    found = {}
    for at_s in range(25):
        beats = {10: 1 if at_s else 0, 11: 1, 20: 1}
        names = [each.process.name for each in heartbeats.judge(at_s * 1000, brains, beats)]
        if names:
            found[at_s] = names
    assert found == {16: ["brain-1", "egress-0"], 16 + NEXT_MS // 1000: ["brain-0"]}


def test_redis_away_condemns_nobody() -> None:
    """Silence is counted from the first look after the outage, from nothing."""
    heartbeats = Heartbeats()
    assert looks(heartbeats, 0, 10, {10: 1, 20: 1}) == []
    assert looks(heartbeats, 10, 600, None) == []
    assert looks(heartbeats, 600, 611, {10: 1, 20: 1}) == []
    assert looks(heartbeats, 611, 612, {10: 1, 20: 1}) == ["brain-0", "egress-0"]


def test_a_watchdog_that_was_frozen_condemns_nobody() -> None:
    """Time between two looks far apart is not counted."""
    heartbeats = Heartbeats()
    assert looks(heartbeats, 0, 10, {10: 1, 20: 1}) == []
    later_s = 10 + int(GAP_MS) // 1000 + 1
    assert looks(heartbeats, later_s, later_s + 1, {10: 1, 20: 1}) == []


def test_a_process_without_any_beat_is_not_judged() -> None:
    """It waits for Redis or starts; with its first beat it comes under the rule."""
    heartbeats = Heartbeats()
    assert looks(heartbeats, 0, 100, {20: 9})[:1] == ["egress-0"]
    assert "brain-0" not in looks(heartbeats, 100, 111, {10: 1})
    assert looks(heartbeats, 111, 112, {10: 1}) == ["brain-0"]


def test_a_beat_that_is_gone_counts_as_silence() -> None:
    """Redis came back empty: whoever lives writes it again within a second."""
    heartbeats = Heartbeats()
    assert looks(heartbeats, 0, 16, {10: 1, 20: 1}) == []
    assert looks(heartbeats, 16, 17, {}) == ["brain-0", "egress-0"]


@given(
    st.lists(
        st.tuples(st.one_of(st.floats(0, 5_000), st.floats(0, 30_000)), st.sampled_from([0, 1, 2, None])),
        max_size=60,
    )
)
def test_a_kill_needs_so_much_watched_silence(steps: list[tuple[float, int | None]]) -> None:
    """Whatever happens: no kill without more than 10 s between good looks that are near, none of it before an
    outage."""
    # 0: none of its beats is in Redis.
    heartbeats, now_ms, watched_ms, beat = Heartbeats(), 0.0, 0.0, 0
    good_ms, was_good = 0.0, False
    for pause_ms, seen in steps:
        now_ms += pause_ms
        if seen is not None:
            if (seen and seen != beat) or now_ms - good_ms > OUTAGE_MS:
                watched_ms = 0.0
            elif was_good and pause_ms <= GAP_MS:
                watched_ms += pause_ms
            good_ms = now_ms
        was_good = seen is not None
        beat = seen or beat
        beats = None if seen is None else ({10: seen} if seen else {})
        hung = heartbeats.judge(now_ms, [BRAIN], beats)
        assert not hung or watched_ms > 10_000
        if hung:
            watched_ms, beat = 0.0, 0
