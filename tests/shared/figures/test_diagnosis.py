"""Whose fault it is: each cause alone, the order between them, and when a warning is written."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.figures.diagnosis import (
    CALLER_Q_FRAMES,
    CALM_MS,
    CPU_MS,
    MODEL_QUIET_MS,
    OWED_MS,
    REDIS_MS,
    REPLY_Q_MS,
    STALE_MS,
    UNSENT_BYTES,
    WS_BLOCK_MS,
    Begun,
    Episodes,
    Figures,
    Over,
    RoleFigures,
    Verdict,
    backlog,
    judge,
)


def role(
    name: str, lag_ms: float = 5.0, redis_ms: float = 4.0, age_ms: float = 0.0, refusal: str = ""
) -> RoleFigures:
    return RoleFigures(role=name, lag_ms=lag_ms, redis_ms=redis_ms, age_ms=age_ms, redis_refusal=refusal)


def beside(other: RoleFigures) -> Figures:
    """A healthy call but for one role."""
    return replace(HEALTHY, roles=(role("egress"), other))


HEALTHY = Figures(roles=(role("egress"), role("brain"), role("ingress")), is_playing=True)


@pytest.mark.parametrize(
    ("figures", "name", "word"),
    [
        (HEALTHY, "ok", ""),
        (beside(role("brain", redis_ms=REDIS_MS + 5)), "redis_slow", "brain waited 205 ms"),
        (beside(role("brain", redis_ms=REDIS_MS + 5, refusal="OOM")), "redis_refuses", "refuses writes, OOM"),
        (beside(role("brain", redis_ms=REDIS_MS, refusal="OOM")), "ok", ""),
        (beside(role("brain", lag_ms=CPU_MS)), "cpu(brain)", "150 ms late"),
        (beside(role("ingress", age_ms=STALE_MS + 1)), "cpu(ingress)", "no figures for 6 s"),
        (replace(HEALTHY, ws_block_ms=WS_BLOCK_MS), "twilio_slow", "a mark is 500 ms overdue"),
        (replace(HEALTHY, unsent_bytes=UNSENT_BYTES), "twilio_slow", "8000 bytes are unsent"),
        (replace(HEALTHY, model_quiet_ms=MODEL_QUIET_MS), "model_slow", "said nothing for 2000 ms"),
        (replace(HEALTHY, starved=2), "model_slow", "ran dry 2 times"),
    ],
)  # fmt: skip
def test_each_cause_is_known_by_its_figure(figures: Figures, name: str, word: str) -> None:
    """The verdict, and the figure that decided it."""
    verdict = judge(figures)

    assert verdict.name == name
    assert word in verdict.why


@pytest.mark.parametrize(
    "figures",
    [
        replace(HEALTHY, ws_block_ms=WS_BLOCK_MS - 1, unsent_bytes=UNSENT_BYTES - 1),
        replace(HEALTHY, model_quiet_ms=MODEL_QUIET_MS - 1),
        replace(HEALTHY, roles=(role("egress", lag_ms=CPU_MS - 1, redis_ms=REDIS_MS - 1, age_ms=STALE_MS),)),
        replace(HEALTHY, is_playing=False, ws_block_ms=9_999, unsent_bytes=99_999),
        replace(HEALTHY, is_confirmed=False, ws_block_ms=9_999),
    ],
)
def test_just_below_a_threshold_or_in_silence_all_is_well(figures: Figures) -> None:
    """Nothing plays, or ingress does not say that Twilio was given anything: then it cannot be late."""
    assert judge(figures).is_ok


def test_a_socket_that_is_full_is_twilios_even_if_ingress_takes_no_more_frames() -> None:
    """It confirms none then."""
    figures = replace(HEALTHY, is_confirmed=False, unsent_bytes=UNSENT_BYTES)

    assert judge(figures).name == "twilio_slow"


def test_the_slowest_commit_is_named() -> None:
    """Not the first one that was too slow."""
    figures = replace(HEALTHY, roles=(role("egress", redis_ms=300), role("ingress", redis_ms=2_000)))

    assert judge(figures).why == "ingress waited 2000 ms for a commit"


@pytest.mark.parametrize(
    ("figures", "name", "word"),
    [
        (replace(HEALTHY, caller_q_frames=CALLER_Q_FRAMES - 1, reply_q_ms=REPLY_Q_MS - 1), "ok", ""),
        (replace(HEALTHY, caller_q_frames=CALLER_Q_FRAMES), "caller_q", "150 frames of the caller wait"),
        (replace(HEALTHY, reply_q_ms=REPLY_Q_MS), "reply_q", "300000 ms of the model wait"),
    ],
)
def test_a_backlog_has_a_limit_of_its_own(figures: Figures, name: str, word: str) -> None:
    """Long before Redis drops anything of it."""
    found = backlog(figures)

    assert found.name == name
    assert word in found.why


def silent(name: str, age_ms: float = 0.0) -> RoleFigures:
    """A role of which nobody knows how it fares."""
    return RoleFigures(role=name, lag_ms=None, redis_ms=None, age_ms=age_ms)


def test_what_nobody_said_is_no_cause() -> None:
    """Neither of a process, nor of the model."""
    assert judge(beside(silent("brain"))).is_ok
    assert judge(Figures(roles=(silent("egress"),), is_playing=True)).is_ok
    assert HEALTHY.model_quiet_ms is None


def test_what_one_role_did_not_say_hides_nothing_of_another() -> None:
    """Whose fault it is can still be seen."""
    figures = replace(HEALTHY, roles=(silent("brain"), role("ingress", lag_ms=CPU_MS)))

    assert judge(figures).name == "cpu(ingress)"
    assert (
        judge(replace(HEALTHY, roles=(silent("brain"),), model_quiet_ms=MODEL_QUIET_MS)).name == "model_slow"
    )


def test_a_role_that_has_never_spoken_is_late_in_the_end() -> None:
    """It has two windows to do so."""
    assert judge(beside(silent("brain", age_ms=STALE_MS))).is_ok
    assert judge(beside(silent("brain", age_ms=STALE_MS + 1))).name == "cpu(brain)"


def test_a_late_loop_makes_commits_look_slow() -> None:
    """Its own lateness does not count as Redis's."""
    figures = replace(HEALTHY, roles=(role("egress"), role("brain", lag_ms=400, redis_ms=500)))

    assert judge(figures).name == "cpu(brain)"


def test_a_cause_further_up_explains_those_below() -> None:
    """Redis before CPU before Twilio before the model."""
    everything = replace(
        HEALTHY,
        roles=(role("egress", redis_ms=900), role("brain", lag_ms=300)),
        ws_block_ms=2_000,
        unsent_bytes=50_000,
        model_quiet_ms=9_000,
        starved=3,
    )
    names = []
    for figures in (
        everything,
        replace(everything, roles=(role("egress"), role("brain", lag_ms=300))),
        replace(everything, roles=(role("egress"),)),
        replace(everything, roles=(role("egress"),), ws_block_ms=0, unsent_bytes=0),
    ):
        names.append(judge(figures).name)

    assert names == ["redis_slow", "cpu(brain)", "twilio_slow", "model_slow"]


@pytest.mark.parametrize(
    ("figures", "figure", "times_limit"),
    [
        (replace(HEALTHY, roles=(role("egress", 20, 300), role("brain", 150, 310))), 300, 1.5),
        (replace(HEALTHY, roles=(role("egress", 300), role("brain", age_ms=9_000))), 300, 2.0),
        (replace(HEALTHY, roles=(role("egress", 100), role("brain", age_ms=9_000))), 9_000, 1.5),
        (replace(HEALTHY, ws_block_ms=700, unsent_bytes=50_000), 700, 1.4),
        (replace(HEALTHY, ws_block_ms=100, unsent_bytes=16_000), 16_000, 2.0),
        (replace(HEALTHY, model_quiet_ms=2_500), 2_500, 1.25),
        (replace(HEALTHY, starved=3), 3, 3.0),
    ],
)
def test_a_verdict_has_the_figure_that_decided_it(
    figures: Figures, figure: float, times_limit: float
) -> None:
    """Not another one that is worse in its own unit."""
    verdict = judge(figures)

    assert (verdict.figure, verdict.times_limit) == (figure, pytest.approx(times_limit))


def slow(ms: float) -> Verdict:
    return Verdict("model_slow", f"{ms:.0f} ms", ms, ms / MODEL_QUIET_MS)


def test_an_episode_is_two_lines_with_duration_and_peak() -> None:
    """However many windows it lasts; calm for two of them ends it."""
    episodes = Episodes()
    told = [
        episodes.observe(slow(2_100), 1_000),
        episodes.observe(slow(4_000), 2_000),
        episodes.observe(Verdict("ok"), 3_000),
        episodes.observe(slow(2_500), 5_000),
        episodes.observe(Verdict("ok"), 5_000 + CALM_MS - 1),
        episodes.observe(Verdict("ok"), 5_000 + CALM_MS),
        episodes.observe(Verdict("ok"), 20_000),
    ]

    assert told == [
        Begun(slow(2_100)),
        *[None] * 4,
        Over("model_slow", 4_000, 4_000, "4000 ms"),
        None,
    ]


def test_the_next_episode_has_a_peak_of_its_own() -> None:
    """The last one's was worse."""
    episodes = Episodes()
    episodes.observe(slow(9_000), 0)
    episodes.end()
    episodes.observe(slow(2_200), 60_000)

    assert episodes.end() == Over("model_slow", 0, 2_200, "2200 ms")


def test_another_cause_inside_an_episode_is_no_second_warning() -> None:
    """The caller hears one trouble; the end names what it began with, and the worst of all, by its limit:
    4,000 ms of silence are worse than 9,000 unsent bytes."""
    episodes = Episodes()
    episodes.observe(slow(4_000), 0)

    assert episodes.observe(Verdict("twilio_slow", "b", 9_000, 9_000 / UNSENT_BYTES), 1_000) is None
    assert episodes.observe(Verdict("redis_slow", "c", 900, 900 / REDIS_MS), 2_000) is None
    assert episodes.end() == Over("model_slow", 2_000, 900, "c")
    assert episodes.end() is None


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 4_000)), max_size=60))
def test_beginnings_and_ends_take_turns(steps: list[tuple[bool, int]]) -> None:
    """Never two warnings in a row, never an end without one."""
    episodes, now, told = Episodes(), 0.0, []
    for is_ok, pause_ms in steps:
        now += pause_ms
        verdict = Verdict("ok") if is_ok else Verdict("model_slow", "x", 1.0, 1.0)
        step = episodes.observe(verdict, now)
        if step is not None:
            told.append(type(step))
    last = episodes.end()
    if last is not None:
        told.append(type(last))

    assert told == [Begun, Over] * (len(told) // 2)


def test_a_caller_who_waits_for_sound_is_never_well() -> None:
    """Whoever else is to blame is named first: nobody is, and yet nothing is heard."""
    waits = replace(HEALTHY, owed_ms=OWED_MS, owed_cause="turn")

    assert judge(waits).name == "owed"
    assert "turn" in judge(waits).why
    assert judge(replace(waits, owed_ms=OWED_MS - 1)).is_ok
    assert judge(replace(waits, starved=1)).name == "model_slow"
