"""What of a call's entries becomes which band."""

from __future__ import annotations

from console.story.bands import Band, Lane, Story, Tone
from console.story.telling import tell
from shared.contract.streams.journal import Kind
from tests.support.story_samples import BEGAN_MS, EGRESS, INGRESS, line, reply, voice, whole_call


def told(*entries: object, now_ms: int = 60_000) -> Story:
    return tell(entries, BEGAN_MS, BEGAN_MS + now_ms)  # type: ignore[arg-type]


def of(story: Story, lane: Lane) -> list[tuple[Tone, int, int]]:
    return [(band.tone, band.from_ms, band.to_ms) for band in story.bands if band.lane is lane]


def test_a_whole_call_in_bands() -> None:
    """Voices by the audio, replies made and heard, the tool, the trouble; nothing goes on."""
    story = told(*whole_call())

    assert (story.until_ms, story.is_over) == (30_000, True)
    assert of(story, Lane.VOICE) == [(Tone.VOICE, 4_000, 6_000), (Tone.VOICE, 9_550, 11_000)]
    assert of(story, Lane.MADE) == [
        (Tone.WAIT, 200, 500), (Tone.MADE, 500, 900), (Tone.WAIT, 6_600, 6_900), (Tone.CUT, 6_900, 9_620),
    ]  # fmt: skip
    assert of(story, Lane.HEARD) == [(Tone.HEARD, 550, 3_500), (Tone.CUT, 7_000, 9_611)]
    assert of(story, Lane.TOOLS) == [(Tone.TOOL, 11_600, 12_000)]
    assert of(story, Lane.TROUBLE) == [(Tone.BAD, 12_500, 15_000)]
    assert not any(band.is_open for band in story.bands)


def test_a_cut_says_how_much_was_heard() -> None:
    """Of how much, by egress's word."""
    marks = [mark.label for mark in told(*whole_call()).marks if mark.lane is Lane.HEARD]
    assert marks == ["heard 2.6 of 10.1 s"]


def test_take_overs_are_told_from_first_owners() -> None:
    """Who comes second takes over; whoever died is named."""
    marks = [(mark.tone, mark.label) for mark in told(*whole_call()).marks if mark.lane is Lane.OWNERS]
    assert marks == [
        (Tone.MADE, "stream at ingress-0"), (Tone.MADE, "brain-0"), (Tone.MADE, "egress-0"),
        (Tone.MADE, "session ready"), (Tone.BAD, "egress-0 is dead"), (Tone.CHANGE, "egress-1 takes over"),
    ]  # fmt: skip


def test_what_goes_on_ends_now() -> None:
    """A caller who speaks, a reply that is made: live."""
    story = told(
        line(0, Kind.RESPONSE_CREATED, response="r"),
        line(400, Kind.FIRST_AUDIO, response="r"),
        line(900, Kind.SPEECH_STARTED, item="u"),
        now_ms=2_000,
    )
    assert not story.is_over
    assert [(band.lane, band.from_ms, band.to_ms) for band in story.bands if band.is_open] == [
        (Lane.MADE, 400, 2_000), (Lane.VOICE, 900, 2_000),
    ]  # fmt: skip


def test_the_brains_word_of_what_is_heard_is_an_echo() -> None:
    """Egress said it before; nobody is heard twice."""
    assert len(of(told(*reply(1, 0, 900, 500, 2_000)), Lane.HEARD)) == 1


def test_a_voice_before_this_version_is_told_by_the_news_of_it() -> None:
    """A brain that writes no line of the whole."""
    story = told(line(1_000, Kind.SPEECH_STARTED, item="u"), line(2_500, Kind.SPEECH_STOPPED, item="u"))
    assert of(story, Lane.VOICE) == [(Tone.VOICE, 1_000, 2_500)]


def test_a_voice_whose_times_make_no_sense_stays_within_the_call() -> None:
    """Another host's clock, an hour off: never a band outside of what has passed."""
    early = line(5_000, Kind.VOICE, from_ms=str(BEGAN_MS - 3_600_000), to_ms=str(BEGAN_MS - 3_590_000))
    late = line(6_000, Kind.VOICE, from_ms=str(BEGAN_MS + 3_600_000), to_ms=str(BEGAN_MS + 3_610_000))
    odd = line(7_000, Kind.VOICE, from_ms="soon", to_ms="later")
    bands: list[Band] = list(told(early, late, odd).bands)
    assert [(band.from_ms, band.to_ms) for band in bands] == [(0, 0), (6_000, 6_000)]


def test_lines_that_cannot_be_read_and_kinds_that_are_not_known_say_nothing() -> None:
    """A newer version's, a hand's."""
    odd = line(1_000, Kind.FLUSHED, EGRESS, items="{")
    whim = line(1_000, Kind.IDLE, INGRESS)
    assert told(odd, line(2_000, Kind.TRUNCATE)).marks == ()
    assert [mark.lane for mark in told(whim).marks] == [Lane.OURS]


def test_a_lost_end_does_not_stretch_over_the_next() -> None:
    """The stream of a caller who is away ends where the next one opens."""
    story = told(
        line(0, Kind.ATTACHED, INGRESS), line(3_000, Kind.DETACHED, INGRESS, cause="stop"),
        line(4_500, Kind.RESUMED, INGRESS), *voice(5_000, 6_000), now_ms=8_000,
    )  # fmt: skip
    assert of(story, Lane.OURS) == [(Tone.BAD, 3_000, 4_500)]
