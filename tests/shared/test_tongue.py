"""Languages and voices of `<Say>`: a text is never given to a voice that cannot read it."""

from __future__ import annotations

import pytest

from shared.tongue import SPOKEN, Tongue, tongue_beside, tongue_of


@pytest.mark.parametrize(
    ("language", "voice", "expected"),
    [
        ("en", "", ("en-US", "")),
        ("he", "", ("he-IL", "Google.he-IL-Standard-A")),
        ("iw", "", ("he-IL", "Google.he-IL-Standard-A")),
        ("ar", "", ("arb", "Polly.Zeina")),
        ("he-IL", "", ("he-IL", "Google.he-IL-Standard-A")),
        ("he-il", "", ("he-IL", "Google.he-IL-Standard-A")),
        ("en-GB", "", ("en-GB", "")),
        ("ar-AE", "", ("ar-AE", "")),
        ("xx", "", ("xx", "")),
        ("", "", ("", "")),
        ("en", "woman", ("en-US", "woman")),
        ("en", "Google.he-IL-Wavenet-B", ("he-IL", "Google.he-IL-Wavenet-B")),
        ("en", "Polly.Amy-Neural", ("", "Polly.Amy-Neural")),
        ("ar", "Polly.Zeina", ("arb", "Polly.Zeina")),
    ],
)
def test_a_language_has_a_tag_and_a_voice(language: str, voice: str, expected: tuple[str, str]) -> None:
    """A voice that was wished for brings its own language; a tag that contradicts it is left out."""
    assert tongue_of(language, voice) == Tongue(language=expected[0], voice=expected[1])


def test_a_voice_of_the_table_speaks_its_tag() -> None:
    """Where the voice names its language, it is the row's."""
    for tag, voice in SPOKEN.values():
        assert tongue_of("en", voice).language in (tag, "", "en-US"), voice
        if voice.startswith("Google."):
            assert voice.startswith(f"Google.{tag}-")


@pytest.mark.parametrize(
    ("language", "usual", "expected"),
    [
        ("", Tongue(language="en-US", voice="woman"), Tongue(language="en-US", voice="woman")),
        ("en", Tongue(language="en-GB", voice="man"), Tongue(language="en-GB", voice="man")),
        ("he", Tongue(language="en-US", voice=""), tongue_of("he")),
        ("he", Tongue(language="he-IL", voice="own"), Tongue(language="he-IL", voice="own")),
        ("ar", Tongue(language="", voice="Polly.Amy-Neural"), tongue_of("ar")),
    ],
)
def test_a_text_in_another_language_has_another_voice(language: str, usual: Tongue, expected: Tongue) -> None:
    """The usual one stays where it can read the text."""
    assert tongue_beside(language, usual) == expected
