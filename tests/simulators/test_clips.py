"""The speech clips that everything else relies on."""

import pytest

from simulators import clips, mulaw


def test_manifest_matches_the_files() -> None:
    """Every clip exists, and is as long as the manifest says."""
    for name, clip in clips.manifest().items():
        assert abs(len(clips.load(name)) / mulaw.BYTES_PER_MS - clip.duration_ms) < 1


def test_both_languages_have_the_same_lines() -> None:
    """English and Hebrew offer the same callers' and model's lines."""
    lines = {
        language: {n.split("_", 1)[1] for n, c in clips.manifest().items() if c.language == language}
        for language in ("en", "he")
    }
    assert lines["en"] == lines["he"]
    assert {"caller_ask", "caller_interrupt", "caller_goodbye", "model_long"} <= lines["en"]


def test_hebrew_text_is_hebrew() -> None:
    """Right-to-left text arrives as letters, not as escapes or question marks."""
    text = clips.manifest()["he_model_greeting"].text
    assert sum("\u05d0" <= letter <= "\u05ea" for letter in text) > 20


@pytest.mark.parametrize("name", list(clips.manifest()))
def test_no_long_pause_inside_a_line(name: str) -> None:
    """No pause is as long as the shortest silence window in use (300 ms)."""
    audio = clips.load(name)
    quiet_ms = longest_ms = 0
    for start in range(0, len(audio), 160):
        quiet_ms = quiet_ms + 20 if mulaw.energy(audio[start : start + 160]) < 0.006 else 0
        longest_ms = max(longest_ms, quiet_ms)
    assert longest_ms < 300


def test_unknown_clip_names_the_known_ones() -> None:
    """A wrong name is answered with the names that exist."""
    with pytest.raises(KeyError, match="en_model_greeting"):
        clips.load("nobody")
