"""How much was made and not heard, over time."""

from __future__ import annotations

from console.story.bands import Made, Story
from console.story.telling import tell
from console.story.unheard import bumps, most_ms
from tests.support.story_samples import BEGAN_MS, whole_call


def story(*responses: Made, until_ms: int = 20_000) -> Story:
    return Story(until_ms=until_ms, is_over=True, bands=(), marks=(), responses=responses)


def made(**moments: object) -> Made:
    return Made(**{"response_id": "r", "asked_ms": 0, **moments})  # type: ignore[arg-type]


def test_a_model_that_is_faster_than_speech_fills_and_the_ear_empties() -> None:
    """Four seconds in one: three wait when the model is done, none when they are heard."""
    of = made(first_ms=1_000, audible_ms=1_000, done_ms=2_000, length_ms=4_000, silent_ms=5_000)
    (bump,) = bumps(story(of))
    assert bump.points == ((1_000, 0), (1_000, 0), (2_000, 3_000), (5_000, 0), (5_000, 0))
    assert most_ms([bump]) == 3_000


def test_a_cut_empties_at_once() -> None:
    """What was not heard then never will be."""
    of = made(first_ms=0, audible_ms=500, done_ms=1_000, length_ms=10_000, silent_ms=3_000)
    (bump,) = bumps(story(of))
    assert bump.points[-1] == (3_000, 0)
    assert bump.most_ms == 9_500


def test_what_still_waits_is_seen_now() -> None:
    """A response that nobody hears: an egress that is gone."""
    (bump,) = bumps(story(made(first_ms=0, done_ms=1_000, length_ms=4_000), until_ms=9_000))
    assert bump.points == ((0, 0), (0, 0), (1_000, 4_000), (9_000, 4_000), (9_000, 0))


def test_a_response_without_a_sound_is_none() -> None:
    """And one of which nothing is known waits for nothing."""
    assert bumps(story(made())) == []
    (bump,) = bumps(story(made(first_ms=500), until_ms=500))
    assert bump.most_ms == 0


def test_a_whole_call_has_a_bump_a_reply() -> None:
    """The interrupted one is the higher."""
    found = bumps(tell(whole_call(), BEGAN_MS, BEGAN_MS + 30_000))
    assert len(found) == 2
    assert found[1].most_ms > found[0].most_ms
