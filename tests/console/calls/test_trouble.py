"""What is wrong with a call, and whose fault its last window was."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.calls.trouble import Crew, Severity, Standing, order
from shared.contract.card import CallState
from shared.figures import diagnosis
from tests.support.top_samples import (
    AT_MS,
    brain_window,
    call,
    crew,
    figures,
    ingress_window,
    seen,
)


def standing(number: int = 5, **changes: object) -> Standing:
    return call(number, **changes).standing


def words(number: int = 5, **changes: object) -> str:
    """What is wrong with a call; empty if nothing is."""
    trouble = standing(number, **changes).trouble
    return "" if trouble is None else trouble.words


def test_a_call_that_all_speak_of_is_well() -> None:
    """Its verdict is egress's."""
    assert standing().trouble is None
    assert standing(verdict="model_slow").verdict == "model_slow"
    assert not standing().is_bad


@pytest.mark.parametrize(
    ("silent", "shown", "verdict"),
    [
        ({"egress_0": 3_000}, "egress-0 is gone: caller hears nothing", "no egress"),
        ({"brain_1": 3_000}, "brain-1 is gone: nobody answers", "no brain"),
        ({"ingress_0": 3_000}, "ingress-0 is gone: nobody holds the line", "no ingress"),
        (
            {"egress_0": 3_000, "brain_1": 9_000},
            "egress-0 and brain-1 are gone: caller hears nothing",
            "no egress",
        ),
    ],
)
def test_an_owner_that_is_gone(silent: dict[str, int], shown: str, verdict: str) -> None:
    """By its beat; what egress said a second ago is no verdict any more."""
    found = standing(crew=crew(**silent))
    assert found.trouble is not None
    assert (found.trouble.words, found.verdict, found.why) == (shown, verdict, shown)
    assert found.trouble.severity is Severity.MISSING
    assert words(crew=crew(**dict.fromkeys(silent, 2_900))) == ""


def test_an_owner_whose_name_is_forgotten_is_gone() -> None:
    """Its next boot has taken the name out."""
    left = {name: each for name, each in crew().seen.items() if not name.startswith("egress")}
    assert words(crew=Crew(seen=left)) == "egress-0 is gone: caller hears nothing"


def test_an_owner_whose_beat_cannot_be_read_is_not_blamed() -> None:
    """Of another version: nobody can tell."""
    left = {name: each for name, each in crew().seen.items() if not name.startswith("egress")}
    assert words(crew=Crew(seen=left, unreadable=frozenset({"egress-0@box#c3"}))) == ""


def test_a_role_that_nobody_has() -> None:
    """From two seconds on: a new call is claimed within one."""
    assert words(egress="") == "no egress: caller hears nothing"
    assert words(brain="", egress="") == "no egress and no brain: caller hears nothing"
    assert words(brain="", crew=crew(egress_0=3_000)) == "egress-0 is gone and no brain: caller hears nothing"
    young = {"started_at_ms": AT_MS - 1_900, "pipeline": None, "verdict": None}
    assert words(brain="", egress="", **young) == ""


def test_a_caller_who_is_away_needs_no_ingress() -> None:
    """Dialled, or between two streams: the process that held the last one may be gone."""
    away = {"state": CallState.DETACHED, "w_ingress": ingress_window(at_ms=AT_MS - 40_000)}
    assert words(crew=crew(ingress_0=40_000), **away) == ""
    assert words(**away) == ""
    assert words(crew=crew(brain_1=40_000), **away) == "brain-1 is gone: nobody answers"


def test_a_caller_who_is_back_is_heard_of_with_the_next_window() -> None:
    """What ingress said of the stream before counts for nothing."""
    back = {"attached_at_ms": AT_MS - 2_000, "w_ingress": ingress_window(at_ms=AT_MS - 40_000)}
    assert words(**back) == ""
    assert words(**{**back, "attached_at_ms": AT_MS - 6_500}) == "no word from ingress-0 for 6 s"


def test_sound_that_is_owed() -> None:
    """For over two seconds, while there is a stream to hear it on."""
    assert words(owed_ms=5_200, owed_cause="turn") == "owed sound for 5.2 s: turn"
    assert words(owed_ms=1_999, owed_cause="turn") == ""
    assert words(owed_ms=5_200, owed_cause="turn", state=CallState.DETACHED) == ""
    assert standing(owed_ms=5_200, owed_cause="turn").is_bad


def test_who_waits_for_sound_is_never_ok() -> None:
    """Whoever's fault it is, if egress knows; else the verdict says that sound is owed."""
    owed = standing(owed_ms=5_200, owed_cause="turn", verdict="ok")
    assert (owed.verdict, owed.why) == ("owed", "owed sound for 5.2 s: turn")
    assert standing(owed_ms=5_200, owed_cause="turn", verdict="model_slow").verdict == "model_slow"


@pytest.mark.parametrize("age_ms", [6_100, 27_000])
def test_an_egress_that_lives_and_says_nothing_is_never_ok(age_ms: int) -> None:
    """Two windows: its last word is no verdict, and the others' words make one by the same rule."""
    found = standing(pipeline=figures(at_ms=AT_MS - age_ms), verdict="ok")
    assert found.trouble is not None
    assert found.trouble.words == f"no word from egress-0 for {age_ms / 1000:.0f} s"
    assert (found.verdict, found.why) == ("cpu(egress)", f"no figures for {age_ms / 1000:.0f} s")
    assert standing(pipeline=figures(at_ms=AT_MS - 5_900)).trouble is None


def test_what_the_others_say_goes_before_that_egress_is_silent() -> None:
    """A Redis that does not answer explains the silence; a figure of another owner explains nothing."""
    silent = figures(at_ms=AT_MS - 9_000)
    assert standing(pipeline=silent, w_brain=brain_window(redis_ms=800.0)).verdict == "redis_slow"
    assert standing(pipeline=silent, w_ingress=ingress_window(lag_ms=300.0)).verdict == "cpu(ingress)"
    another = ingress_window(lag_ms=300.0, worker="ingress-1@box#z9")
    back = {"w_ingress": another, "attached_at_ms": AT_MS - 2_000}
    assert standing(pipeline=silent, **back).verdict == "cpu(egress)"


def test_an_egress_that_never_spoke() -> None:
    """Two windows after the call's beginning."""
    assert words(0, pipeline=None, verdict=None) == ""
    assert words(started_at_ms=AT_MS - 6_500, pipeline=None, verdict=None) == "no word from egress-0 for 6 s"


def test_the_others_are_asked_too() -> None:
    """Egress judges them itself; should it not, the screen does."""
    assert words(w_brain=brain_window(at_ms=AT_MS - 8_000)) == "no word from brain-1 for 8 s"
    assert words(w_ingress=ingress_window(at_ms=AT_MS - 8_000)) == "no word from ingress-0 for 8 s"
    assert standing(w_ingress=ingress_window(at_ms=AT_MS - 8_000)).verdict == "cpu(ingress)"


def test_a_window_that_cannot_be_read_has_no_age() -> None:
    """And so no verdict; nobody is called silent for it."""
    found = standing(pipeline=None, pipeline_problem="expected an object")
    assert (found.verdict, found.why, found.trouble) == ("", "expected an object", None)


def test_a_wrong_clock_makes_no_window_old() -> None:
    """A window's age is told by the clock of its writer, and that is an hour behind."""
    behind = dataclasses.replace(seen(), at_ms=AT_MS - 3_600_000)
    others = {name: each for name, each in crew().seen.items() if not name.startswith("egress")}
    odd = Crew(seen={**others, "egress-0@box#c3": behind})
    assert words(crew=odd, pipeline=figures(at_ms=AT_MS - 3_601_000)) == ""
    assert words(crew=odd, pipeline=figures(at_ms=AT_MS - 3_609_000)) == "no word from egress-0 for 9 s"


def test_a_ghost_is_a_call_that_nobody_has() -> None:
    """All its owners are gone, or live and have not spoken of it for a quarter of a minute."""
    gone = crew(ingress_0=9_000, brain_1=9_000, egress_0=9_000).seen
    others = {"brain-7@box#n1": seen()}
    found = standing(crew=Crew(seen={**gone, **others}))
    assert (found.is_ghost, found.verdict) == (True, "no owner")
    old = {
        "pipeline": figures(at_ms=AT_MS - 16_000),
        "w_brain": brain_window(at_ms=AT_MS - 16_000),
        "w_ingress": ingress_window(at_ms=AT_MS - 16_000),
    }
    assert standing(**old).is_ghost
    assert not standing(**{**old, "w_ingress": ingress_window()}).is_ghost
    assert not standing(**{**old, "w_brain": brain_window(at_ms=AT_MS - 14_000)}).is_ghost
    assert standing(state=CallState.DETACHED, **old).is_ghost
    assert not standing(started_at_ms=AT_MS - 14_000, brain="", egress="", ingress="").is_ghost


def test_when_no_process_shows_a_beat_redis_may_be_the_cause() -> None:
    """A Redis that is full makes everybody seem dead, and so it is said."""
    found = standing(crew=crew(ingress_0=9_000, brain_1=9_000, egress_0=9_000))
    assert found.trouble is not None
    assert found.trouble.words == "no process shows a beat: all ended, or Redis takes no writes"
    assert (found.verdict, found.is_ghost) == ("no beat", False)


def test_a_call_that_is_over_is_in_no_trouble() -> None:
    """Its last verdict stays."""
    ended = standing(state=CallState.ENDED, crew=Crew(seen={}), verdict="model_slow", owed_ms=9_000)
    assert (ended.trouble, ended.verdict) == (None, "model_slow")


def test_the_worst_comes_first() -> None:
    """Ghosts, then a role that nobody does, then what is owed, then silence, then all others."""
    everybody = {**crew(ingress_0=9_000, brain_1=9_000, egress_0=9_000).seen, "brain-7@box#n1": seen()}
    found = [
        standing(),
        standing(pipeline=figures(at_ms=AT_MS - 9_000)),
        standing(owed_ms=5_200, owed_cause="turn"),
        standing(egress=""),
        standing(crew=Crew(seen=everybody)),
    ]
    assert sorted(found, key=order) == found[::-1]


AGES = st.integers(0, 100_000)


@given(AGES, AGES, AGES, AGES, AGES)
def test_it_is_never_ok_when_egress_cannot_have_said_so(
    egress_ms: int, brain_ms: int, window_ms: int, brain_window_ms: int, ingress_window_ms: int
) -> None:
    """Dead, or silent for two windows: whatever the others say."""
    found = standing(
        crew=crew(egress_0=egress_ms, brain_1=brain_ms),
        pipeline=figures(at_ms=AT_MS - window_ms),
        w_brain=brain_window(at_ms=AT_MS - brain_window_ms),
        w_ingress=ingress_window(at_ms=AT_MS - ingress_window_ms),
    )
    if egress_ms >= 3_000 or window_ms > diagnosis.STALE_MS:
        assert found.verdict != diagnosis.OK
        assert found.trouble is not None
