"""Which sound belongs to which item, and how much of it is kept."""

from __future__ import annotations

from brain.caller.voices import BEFORE_BYTES, MOST_BYTES, Voices

SECOND = 8_000


def turn(voices: Voices, item_id: str, *pieces: bytes) -> None:
    """One turn."""
    voices.started(item_id)
    for piece in pieces:
        voices.hear(piece)
    voices.stopped()


def test_a_turn_is_its_sound_with_the_moments_before_it() -> None:
    """They hold the first sounds; what follows it is the next one's."""
    voices = Voices()
    voices.hear(b"old" * BEFORE_BYTES)
    voices.hear(b"first")
    turn(voices, "u", b"rest")
    voices.hear(b"next")
    turn(voices, "v", b"one")

    assert voices.of("u") == b"firstrest"
    assert voices.of("v") == b"nextone"
    assert voices.of("w") == b""


def test_a_turn_that_has_a_text_is_forgotten() -> None:
    """Nobody will ask for it."""
    voices = Voices()
    turn(voices, "u", b"sound")

    voices.forget("u")
    voices.forget("u")

    assert voices.of("u") == b""


def test_a_turn_that_goes_on_under_another_id_is_two() -> None:
    """Without a pause that the server told of, and at a session's end."""
    voices = Voices()
    voices.started("u")
    voices.hear(b"one")
    turn(voices, "v", b"two")
    voices.stopped()

    assert (voices.of("u"), voices.of("v")) == (b"one", b"two")


def test_what_was_replayed_belongs_to_the_turn_that_is_found_in_it() -> None:
    """It comes at once, long before the server tells of speech in it."""
    voices = Voices()
    for _ in range(5):
        voices.hear(bytes(SECOND), is_replayed=True)
    voices.hear(b"live")
    turn(voices, "u")
    voices.hear(bytes(2 * SECOND))
    voices.hear(bytes(SECOND))
    turn(voices, "v")

    assert voices.of("u") == bytes(5 * SECOND) + b"live"
    assert len(voices.of("v")) == SECOND


def test_the_newest_turns_are_kept_within_a_bound() -> None:
    """Also of one that does not end: its beginning counts."""
    voices = Voices()
    turn(voices, "long", *[bytes(SECOND)] * 60)
    assert len(voices.of("long")) == MOST_BYTES

    turn(voices, "new", b"sound")

    assert (voices.of("long"), voices.of("new")) == (b"", b"sound")


def test_the_sound_that_another_brain_has_heard() -> None:
    """Until there is a text of it, and no more than is kept of all."""
    voices = Voices()
    voices.keep("u1", bytes(MOST_BYTES) + b"end")
    assert len(voices.of("u1")) == MOST_BYTES
    assert voices.of("u1").endswith(b"end")
    voices.forget("u1")
    assert voices.of("u1") == b""
