"""A notice knows how long it is, a loop what it is called."""

from __future__ import annotations

from brain.sound.kinds import Loop, Notice


def test_a_notice_is_as_long_as_its_audio() -> None:
    """Which nobody prints."""
    notice = Notice(file="a.wav", text="This call is recorded.", audio=b"\x10" * 8_000)

    assert notice.ms == 1_000
    assert "x10" not in repr(notice)


def test_sounds_that_are_alike_have_one_name() -> None:
    """Another level is another sound."""
    soft, other = b"\x10" * 800, b"\x20" * 800
    given = (("a.wav", soft), ("b.wav", soft), ("a.wav", other))
    loops = [Loop(file=name, level_db=-20.0, audio=audio) for name, audio in given]

    assert loops[0].id == loops[1].id != loops[2].id
    assert len(loops[0].id) == 16
