"""Whose fault it is: each cause alone, the order between them, and when a warning is written."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.diagnosis import (
    CALM_MS,
    CPU_MS,
    MODEL_QUIET_MS,
    REDIS_MS,
    STALE_MS,
    UNSENT_BYTES,
    WS_BLOCK_MS,
    Begun,
    Episodes,
    Figures,
    Over,
    RoleFigures,
    Verdict,
    judge,
    size_of,
)


def role(name: str, lag_ms: float = 5.0, redis_ms: float = 4.0, age_ms: float = 0.0) -> RoleFigures:
    return RoleFigures(role=name, lag_ms=lag_ms, redis_ms=redis_ms, age_ms=age_ms)


def beside(other: RoleFigures) -> Figures:
    """A healthy call but for one role."""
    return replace(HEALTHY, roles=(role("egress"), other))


HEALTHY = Figures(roles=(role("egress"), role("brain"), role("ingress")), is_playing=True)


@pytest.mark.parametrize(
    ("figures", "name", "word"),
    [
        (HEALTHY, "ok", ""),
        (beside(role("brain", redis_ms=REDIS_MS + 5)), "redis_slow", "brain waited 205 ms"),
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
    ],
)
def test_just_below_a_threshold_or_in_silence_all_is_well(figures: Figures) -> None:
    """Nothing plays: then nothing of Twilio's can be late."""
    assert judge(figures).is_ok


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


def test_the_size_of_a_verdict_is_the_figure_that_decided_it() -> None:
    """For the peak of an episode."""
    figures = replace(HEALTHY, roles=(role("egress", 170, 300),), ws_block_ms=700, model_quiet_ms=2_500)

    sizes = [
        size_of(Verdict(name), figures) for name in ("redis_slow", "cpu(egress)", "twilio_slow", "model_slow")
    ]

    assert sizes == [300, 170, 700, 2_500]


def slow(ms: float) -> tuple[Verdict, float]:
    return Verdict("model_slow", f"{ms:.0f} ms"), ms


def test_an_episode_is_two_lines_with_duration_and_peak() -> None:
    """However often it is looked at; calm for two windows ends it."""
    episodes = Episodes()
    told = [
        episodes.look(*slow(2_100), 1_000),
        episodes.look(*slow(4_000), 2_000),
        episodes.look(Verdict("ok"), 0, 3_000),
        episodes.look(*slow(2_500), 5_000),
        episodes.look(Verdict("ok"), 0, 5_000 + CALM_MS - 1),
        episodes.look(Verdict("ok"), 0, 5_000 + CALM_MS),
        episodes.look(Verdict("ok"), 0, 20_000),
    ]

    assert told == [
        Begun(Verdict("model_slow", "2100 ms")),
        *[None] * 4,
        Over("model_slow", 4_000, 4_000, "4000 ms"),
        None,
    ]


def test_another_cause_inside_an_episode_is_no_second_warning() -> None:
    """The caller hears one trouble; the end names what it began with."""
    episodes = Episodes()
    episodes.look(Verdict("model_slow", "a"), 2_000, 0)

    assert episodes.look(Verdict("twilio_slow", "b"), 9_000, 1_000) is None
    over = episodes.end(2_000)
    assert over == Over("model_slow", 1_000, 9_000, "b")
    assert episodes.end(3_000) is None


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 4_000)), max_size=60))
def test_beginnings_and_ends_take_turns(steps: list[tuple[bool, int]]) -> None:
    """Never two warnings in a row, never an end without one."""
    episodes, now, told = Episodes(), 0.0, []
    for is_ok, pause_ms in steps:
        now += pause_ms
        verdict = Verdict("ok") if is_ok else Verdict("model_slow", "x")
        step = episodes.look(verdict, 1.0, now)
        if step is not None:
            told.append(type(step))
    last = episodes.end(now)
    if last is not None:
        told.append(type(last))

    assert told == [Begun, Over] * (len(told) // 2)
