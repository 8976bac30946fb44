"""The pacer, with literal times: on absolute deadlines, a lead ahead, without debt and without bursts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from egress.pacing.metronome import SLOT_MS, TICK_LATE_MS
from egress.pacing.pacer import (
    AHEAD_FRAMES,
    AHEAD_MS,
    EARLY_MS,
    LATE_MOST_MS,
    LEAST_LEAD_MS,
    WOKEN_MS,
    Pacer,
)
from egress.pacing.pacer import (
    LEAD_MS as USUAL_LEAD_MS,
)

LEAD_MS = 160.0
LEAD_FRAMES = 8
FIRST = LEAD_FRAMES + AHEAD_FRAMES
"""What leaves at once: the lead, and the two that may leave early with a frame that is due."""


def run(pacer: Pacer, times_ms: list[float], available: int = 10_000) -> list[int]:
    """Asks at each time; returns how many frames were released."""
    released = []
    for now in times_ms:
        count = pacer.release_count(now, available)
        available -= count
        released.append(count)
    return released


def test_a_spurt_begins_with_the_lead_and_goes_on_in_groups() -> None:
    """Eight frames and two that are early leave at once, then three every 60 ms."""
    pacer = Pacer(LEAD_MS)

    released = run(pacer, [1000.0 + 20 * tick for tick in range(7)])

    assert released == [10, 0, 0, 3, 0, 0, 3]
    assert pacer.next_due_ms == 1180.0
    assert pacer.counters.spurts == 1


def test_no_frame_waits_for_a_group_to_fill() -> None:
    """One that is due leaves alone, if it is alone; the next one leaves when it comes, or when it is due."""
    pacer = Pacer(LEAD_MS)
    assert run(pacer, [0.0], available=FIRST) == [FIRST]

    assert pacer.release_count(60.0, 1) == 1
    assert pacer.next_due_ms == 80.0
    assert [pacer.release_count(now, 1) for now in (70.0, 80.0)] == [0, 1]
    assert pacer.release_count(110.0, 2) == 2


def test_until_the_lead_is_filled_frames_leave_as_they_come() -> None:
    """Pieces of 40 ms that come every 10 ms wait for nothing, until ten frames are out."""
    pacer = Pacer(LEAD_MS)

    released = [pacer.release_count(10.0 * piece, 2) for piece in range(6)]

    assert released == [2, 2, 2, 2, 2, 0]


def test_what_has_only_just_become_due_may_wait_for_a_better_moment() -> None:
    """Somebody asks between two slots: frames due for less than 20 ms are left to the next one, older ones
    and the first of a spurt are not."""
    pacer = Pacer(LEAD_MS)
    assert pacer.release_count(0.0, 100, SLOT_MS) == FIRST

    assert pacer.release_count(60.0 + SLOT_MS - EARLY_MS - 0.1, 100, SLOT_MS) == 0
    assert pacer.release_count(60.0 + SLOT_MS - EARLY_MS, 100, SLOT_MS) == 3


def test_early_ticks_release_nothing() -> None:
    """Asking again before the next due time releases no frame; but a timer that fires a moment early is on
    time."""
    pacer = Pacer(LEAD_MS)

    released = run(pacer, [0.0, 5.0, 20.0, 60.0 - EARLY_MS - 0.1, 60.0 - EARLY_MS])

    assert released == [FIRST, 0, 0, 0, 3]


def test_jitter_does_not_add_up() -> None:
    """Each tick 9 ms late for 10 s: still no frame behind, because due times are absolute."""
    pacer = Pacer(LEAD_MS)

    released = run(pacer, [0.0] + [20.0 * tick + 9.0 for tick in range(1, 499)])

    assert sum(released) == LEAD_FRAMES + 500
    assert pacer.counters.underruns == 0


def test_one_stall_a_second_ends_not_behind() -> None:
    """A 100 ms stall each second is caught up from the lead: after 10 s not one frame is missing."""
    pacer = Pacer(LEAD_MS)
    times = [20.0 * tick for tick in range(501) if tick % 50 not in (10, 11, 12, 13)]

    released = run(pacer, times)

    assert LEAD_FRAMES + 500 <= sum(released) <= FIRST + 500
    assert max(released) == FIRST
    assert pacer.counters.underruns == 0


def test_a_long_stall_bursts_no_more_than_the_lead() -> None:
    """After 5 s of standing still the lead leaves at once, then 60 ms a group: the lost time is lost."""
    pacer = Pacer(LEAD_MS)
    run(pacer, [0.0, 20.0, 40.0])

    released = run(pacer, [5040.0, 5060.0, 5080.0, 5100.0])

    assert released == [FIRST, 0, 0, 3]
    assert pacer.counters.underruns == 1


def test_lateness_below_the_lead_is_caught_up() -> None:
    """137 ms late: seven frames and two that are early at once, on the old schedule, and no underrun."""
    pacer = Pacer(LEAD_MS)
    run(pacer, [0.0])

    released = run(pacer, [197.0, 237.0, 240.0])

    assert released == [9, 0, 3]
    assert pacer.counters.underruns == 0


def test_silence_builds_no_debt() -> None:
    """Ten silent seconds between two responses do not make the second one burst or count as an underrun."""
    pacer = Pacer(LEAD_MS)
    first = run(pacer, [0.0, 60.0, 80.0], available=12)

    for tick in range(5, 500):
        pacer.release_count(20.0 * tick, 0)
    second = run(pacer, [10_000.0, 10_060.0])

    assert first == [FIRST, 2, 0]
    assert second == [FIRST, 3]
    assert pacer.counters.underruns == 0
    assert pacer.counters.spurts == 2


def test_a_short_pause_of_the_model_keeps_the_schedule() -> None:
    """Audio that is back before Twilio has run dry goes on where it was."""
    pacer = Pacer(LEAD_MS)
    run(pacer, [0.0, 60.0], available=11)
    pacer.release_count(80.0, 0)

    released = run(pacer, [140.0])

    assert released == [4 + AHEAD_FRAMES]
    assert pacer.counters.spurts == 1


def test_an_unconfirmed_write_stops_the_pacer_after_the_lead() -> None:
    """Ingress silent for longer than the lead: nothing more until a restart, then the lead at most."""
    pacer = Pacer(LEAD_MS)
    pacer.sent(pacer.release_count(0.0, 100), 0.0)

    overdue = [pacer.is_overdue(now) for now in (0.0, 160.0, 160.1)]
    pacer.stop()
    while_stopped = run(pacer, [200.0, 3000.0])
    pacer.resume(3100.0, rewound=0, playing_ms=0.0)
    after = run(pacer, [3100.0, 3160.0])

    assert overdue == [False, False, True]
    assert while_stopped == [0, 0]
    assert after == [FIRST, 3]
    assert pacer.counters.stops == 1
    assert pacer.counters.underruns == 0


def test_a_late_confirmation_leaves_the_schedule_as_it_was() -> None:
    """Stopped for 80 ms with audio still at Twilio: two frames are owed, and no second lead is sent."""
    pacer = Pacer(LEAD_MS)
    run(pacer, [0.0, 20.0])
    pacer.stop()

    pacer.resume(80.0, rewound=0, playing_ms=160.0)
    released = run(pacer, [80.0, 140.0])

    assert released == [2 + AHEAD_FRAMES, 2 + 1]


def test_rewound_frames_are_sent_again_in_their_old_places() -> None:
    """Three frames that were lost go again, together with what is due meanwhile."""
    pacer = Pacer(LEAD_MS)
    run(pacer, [0.0, 20.0, 40.0])
    pacer.stop()

    pacer.resume(60.0, rewound=3, playing_ms=0.0)

    assert run(pacer, [60.0, 120.0]) == [3 + 1 + AHEAD_FRAMES, 3]


def test_what_reached_twilio_only_now_is_part_of_the_lead() -> None:
    """After 3 s of silence 100 ms arrive late: the burst fills up the lead, no more."""
    pacer = Pacer(LEAD_MS)
    run(pacer, [0.0])
    pacer.stop()

    pacer.resume(3000.0, rewound=3, playing_ms=100.0)

    assert run(pacer, [3000.0, 3060.0]) == [3 + AHEAD_FRAMES, 3]


def test_confirmations_keep_it_running() -> None:
    """Only what is newer than the last confirmed frame counts as unconfirmed."""
    pacer = Pacer(LEAD_MS)
    pacer.sent(8, 0.0)
    pacer.sent(9, 20.0)

    pacer.confirm(8)

    assert pacer.unconfirmed_since_ms == 20.0
    assert not pacer.is_overdue(180.0)
    pacer.confirm(9)
    assert not pacer.is_overdue(10_000.0)


@given(st.lists(st.tuples(st.floats(0, 400), st.integers(0, 30)), min_size=1, max_size=60))
def test_never_ahead_by_more_than_the_lead(steps: list[tuple[float, int]]) -> None:
    """Whatever the ticks and the arrivals, no more audio is out than was played plus the lead."""
    pacer = Pacer(LEAD_MS)
    now, available, played_out = 0.0, 0, 0.0
    for wait, arrived in steps:
        now += wait
        available += arrived
        released = pacer.release_count(now, available)
        available -= released
        played_out = max(played_out, now) + 20.0 * released

        assert 0 <= released <= FIRST
        assert played_out - now <= LEAD_MS + AHEAD_MS + 20.0 + EARLY_MS


@given(
    st.floats(0, 60),
    st.floats(0, TICK_LATE_MS),
    st.lists(st.floats(0, TICK_LATE_MS), min_size=50, max_size=50),
)
def test_grouping_leaves_twilio_the_least_lead(
    began_ms: float, first_ms: float, late_ms: list[float]
) -> None:
    """Wherever a spurt begins between the slots, and however late each tick is within what is healthy: with
    audio in hand Twilio holds 250 to 340 ms, and each tick hands a group."""
    pacer = Pacer(USUAL_LEAD_MS)
    plays_until = began_ms + 20.0 * pacer.release_count(began_ms, 10_000)
    assert plays_until - began_ms == pytest.approx(USUAL_LEAD_MS + AHEAD_MS)
    for each_late_ms in [first_ms, *late_ms]:
        due = pacer.next_due_ms
        assert due is not None
        now = -(-due // SLOT_MS) * SLOT_MS + each_late_ms

        assert plays_until - now >= LEAST_LEAD_MS - 1e-6
        count = pacer.release_count(now, 10_000)

        plays_until += 20.0 * count
        assert 3 <= count <= 4
        assert plays_until - now <= USUAL_LEAD_MS + AHEAD_MS + EARLY_MS


def test_the_least_lead_is_what_a_slot_and_a_healthy_loop_leave() -> None:
    """250 of 300 ms, as docs/design.md says."""
    assert (LEAST_LEAD_MS, LATE_MOST_MS) == (250.0, SLOT_MS + TICK_LATE_MS)


def test_counters_count_each_spurt_underrun_and_stop() -> None:
    """Twice each."""
    pacer = Pacer(LEAD_MS)
    for begin in (0.0, 10_000.0):
        pacer.release_count(begin, 100)
        pacer.release_count(begin + 5_000.0, 100)  # Late, with audio in hand.
        pacer.release_count(begin + 5_001.0, 0)
        pacer.stop()
        pacer.stop()
        pacer.restart()

    counters = pacer.counters
    assert (counters.spurts, counters.underruns, counters.stops) == (2, 2, 2)


def test_a_restart_takes_up_a_stopped_pacer_with_a_whole_lead() -> None:
    """As after silence: nothing is owed, nothing counts as late."""
    pacer = Pacer(LEAD_MS)
    pacer.release_count(0.0, 100)
    pacer.stop()

    pacer.restart()

    assert pacer.stopped is False
    assert pacer.release_count(1_000.0, 100) == FIRST
    assert (pacer.counters.spurts, pacer.counters.underruns) == (2, 0)
    assert pacer.next_due_ms == 1_060.0


def test_an_ingress_that_is_there_again_is_waking_for_a_moment() -> None:
    """While it is silent, and for as long as it reads what had waited."""
    pacer = Pacer(LEAD_MS)
    assert not pacer.is_waking(0.0)
    pacer.stop()
    assert pacer.is_waking(1_000.0)
    pacer.resume(1_000.0, rewound=0, playing_ms=0.0)
    assert pacer.is_waking(1_000.0 + WOKEN_MS - 1)
    assert not pacer.is_waking(1_000.0 + WOKEN_MS)


def test_exactly_at_the_end_of_the_lead_a_new_schedule_begins() -> None:
    """Twilio has just run dry: the anchor moves, in a release as in a resume."""
    late, resumed = Pacer(LEAD_MS), Pacer(LEAD_MS)
    for pacer in (late, resumed):
        assert pacer.release_count(0.0, LEAD_FRAMES) == LEAD_FRAMES

    assert late.release_count(LEAD_MS + 20.0, 100) == FIRST
    resumed.resume(LEAD_MS + 20.0, rewound=0, playing_ms=0.0)
    assert resumed.release_count(LEAD_MS + 20.0, 100) == FIRST
    assert (late.counters.spurts, late.counters.underruns) == (2, 0)


def test_exactly_when_twilio_runs_dry_what_reached_it_now_is_part_of_the_lead() -> None:
    """100 ms arrive at that very moment: three frames fill up the lead, and two are early."""
    pacer = Pacer(LEAD_MS)
    run(pacer, [0.0], available=LEAD_FRAMES)
    pacer.stop()

    pacer.resume(LEAD_MS + 20.0, rewound=0, playing_ms=100.0)

    assert pacer.release_count(LEAD_MS + 20.0, 100) == 3 + AHEAD_FRAMES


def test_being_late_after_a_stop_is_not_our_fault() -> None:
    """Audio was left over before the stop; what comes after it is a new spurt, not an underrun."""
    pacer = Pacer(LEAD_MS)
    pacer.release_count(0.0, 100)
    pacer.stop()

    pacer.resume(3_000.0, rewound=0, playing_ms=0.0)
    pacer.release_count(10_000.0, 100)

    assert (pacer.counters.spurts, pacer.counters.underruns) == (2, 0)


def test_a_new_owner_goes_on_behind_what_plays() -> None:
    """100 of the 160 ms still play: three frames fill up the lead, two are early, and no spurt begins."""
    pacer = Pacer(LEAD_MS)

    pacer.follow(1_000.0, 100.0)

    assert run(pacer, [1_000.0, 1_040.0, 1_060.0]) == [3 + AHEAD_FRAMES, 0, 3]
    assert pacer.counters.spurts == 0


def test_a_new_owner_that_comes_when_all_has_played_begins_with_a_whole_lead() -> None:
    """As after silence."""
    pacer = Pacer(LEAD_MS)

    pacer.follow(1_000.0, 0.0)

    assert run(pacer, [1_000.0, 1_060.0]) == [FIRST, 3]


def test_a_pause_of_our_own_is_no_stop_of_ingress() -> None:
    """Nothing leaves, and nothing is counted."""
    pacer = Pacer(LEAD_MS)
    run(pacer, [0.0])

    pacer.pause()

    assert run(pacer, [60.0]) == [0]
    assert pacer.counters.stops == 0
    pacer.resume(80.0, rewound=0, playing_ms=0.0)
    assert run(pacer, [80.0]) == [2 + AHEAD_FRAMES]


def test_silence_behind_what_an_owner_before_us_sent_is_no_fault_of_ours() -> None:
    """The spurt that begins when it has played is a new one; it begins a hair early, as any."""
    for now_ms in (120.0 - EARLY_MS, 500.0):
        pacer = Pacer()
        pacer.follow(0.0, playing_ms=100.0)
        assert pacer.release_count(now_ms, 1) == 1
        assert (pacer.counters.spurts, pacer.counters.underruns) == (1, 0)
    pacer = Pacer()
    pacer.follow(0.0, playing_ms=100.0)
    pacer.release_count(120.0 - EARLY_MS - 1, 1)
    assert pacer.counters.spurts == 0
