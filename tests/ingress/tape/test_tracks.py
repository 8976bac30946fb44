"""The two sides of a stream on one clock: every sample where it was, and nothing that was not heard."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ingress.tape.tracks import Tracks
from shared.audio import BYTES_PER_MS, FRAME_BYTES, FRAME_MS
from shared.contract.streams.tape import Piece, TapeEntry, laid_out, read_tape, tape_fields

BEGAN_MS = 5_000.0


def frame(number: int) -> bytes:
    return bytes([number % 250]) * FRAME_BYTES


def tracks() -> Tracks:
    return Tracks("ingress-0@h#a:1", 1, 1_700_000_000_000, BEGAN_MS)


def take(made: Tracks, at_ms: float) -> TapeEntry:
    return made.take(BEGAN_MS + at_ms, uses="r", way_ms=0)


def test_an_entry_has_what_came_and_what_was_played() -> None:
    made = tracks()
    for number in range(1, 26):
        made.caller(number, frame(number), BEGAN_MS + number * FRAME_MS)
        made.given(frame(100 + number), BEGAN_MS + number * FRAME_MS - 15)
    entry = take(made, 500)
    assert entry.caller == (Piece(160, b"".join(map(frame, range(1, 26)))),)
    (heard,) = entry.heard
    assert heard.at == 5 * BYTES_PER_MS
    assert heard.audio == b"".join(frame(100 + n) for n in range(1, 26))[: 495 * BYTES_PER_MS]
    assert (entry.from_ms, entry.to_ms, entry.number) == (0, 500, 1)
    assert take(made, 1000).heard[0].at == 500 * BYTES_PER_MS


def test_what_is_given_ahead_is_heard_in_its_time() -> None:
    """300 ms at once play one behind the other."""
    made = tracks()
    made.given(b"".join(map(frame, range(15))), BEGAN_MS)
    assert take(made, 100).heard == (Piece(0, b"".join(map(frame, range(5)))),)
    assert take(made, 400).heard == (Piece(800, b"".join(map(frame, range(5, 15)))),)


def test_a_clear_voids_what_had_not_played_to_the_sample() -> None:
    made = tracks()
    made.given(b"".join(map(frame, range(15))), BEGAN_MS)
    made.cleared(BEGAN_MS + 105)
    made.given(frame(99), BEGAN_MS + 110)
    entry = take(made, 500)
    whole = b"".join(map(frame, range(15)))[: 105 * BYTES_PER_MS]
    assert entry.heard == (Piece(0, whole), Piece(110 * BYTES_PER_MS, frame(99)))


def test_what_was_heard_is_not_taken_back() -> None:
    """A clear behind an entry changes nothing in it."""
    made = tracks()
    made.given(b"".join(map(frame, range(15))), BEGAN_MS)
    assert len(take(made, 200).heard[0].audio) == 1600
    made.cleared(BEGAN_MS + 220)
    assert [len(piece.audio) for piece in take(made, 500).heard] == [160]


def test_jitter_moves_no_frame() -> None:
    """Frames that come late, and then together, stand where their numbers say."""
    made = tracks()
    made.caller(1, frame(1), BEGAN_MS)
    for number in range(2, 30):
        made.caller(number, frame(number), BEGAN_MS + 560)
    assert take(made, 570).caller == (Piece(0, b"".join(map(frame, range(1, 30)))),)


def test_lost_frames_are_silence_and_counted() -> None:
    made = tracks()
    made.caller(1, frame(1), BEGAN_MS)
    made.caller(4, frame(4), BEGAN_MS + 60)
    entry = take(made, 500)
    assert entry.caller == (Piece(0, frame(1)), Piece(480, frame(4)))
    assert entry.lost == 2
    assert take(made, 600).lost == 0


def test_a_pause_that_no_number_tells_of_moves_the_places_behind_it() -> None:
    """The caller was on hold for five seconds, and the carrier sent nothing and counted nothing."""
    made = tracks()
    made.caller(1, frame(1), BEGAN_MS)
    take(made, 500)
    for number in range(2, 27):
        made.caller(number, frame(number), BEGAN_MS + 5_000 + 20 * number)
    (piece,) = take(made, 5_520).caller
    assert abs(piece.at / BYTES_PER_MS - 5_040) < 2
    assert piece.audio == b"".join(map(frame, range(2, 27)))
    made.caller(27, frame(27), BEGAN_MS + 5_540)
    (piece,) = take(made, 6_000).caller
    assert abs(piece.at / BYTES_PER_MS - 5_540) < 2


@given(st.integers(600, 9_000), st.integers(0, 49), st.integers(1, 499))
def test_a_caller_who_was_on_hold_stands_where_they_came_back(
    hold_ms: int, before: int, phase_ms: int
) -> None:
    """Wherever in an entry the hold begins and ends: all of it is there, and what was before it too."""
    made, came = tracks(), dict[int, int]()
    pieces: list[Piece] = []
    comes = {number: 20 * number + (hold_ms if number > before else 0) for number in range(1, 101)}
    for taken_ms in range(phase_ms, 12_000, 500):
        while comes and min(comes.values()) <= taken_ms:
            number = min(comes)
            made.caller(number, frame(number), BEGAN_MS + comes[number])
            came[number] = comes.pop(number)
        pieces += take(made, taken_ms).caller
    side = laid_out(pieces, 0, 12_000 * BYTES_PER_MS)
    for number, came_ms in came.items():
        at = came_ms * BYTES_PER_MS
        assert side[at : at + FRAME_BYTES] == frame(number), number


def test_a_stall_moves_nothing_though_an_entry_ends_in_the_middle_of_its_burst() -> None:
    """What came by then waits until the rest says that it was a stall."""
    made = tracks()
    made.caller(1, frame(1), BEGAN_MS)
    assert take(made, 500).caller == (Piece(0, frame(1)),)
    for number in range(2, 30):
        made.caller(number, frame(number), BEGAN_MS + 2_000)
    assert take(made, 2_000).caller == ()
    for number in range(30, 102):
        made.caller(number, frame(number), BEGAN_MS + 2_003)
    assert take(made, 2_500).caller == (Piece(160, b"".join(map(frame, range(2, 102)))),)


def test_what_waits_for_its_place_is_passed_over_too() -> None:
    """It came while nobody was to hear it."""
    made = tracks()
    made.caller(1, frame(1), BEGAN_MS)
    take(made, 500)
    for number in (2, 3):
        made.caller(number, frame(number), BEGAN_MS + 5_000 + 20 * number)
    made.pass_over(BEGAN_MS + 5_070)
    for number in range(4, 20):
        made.caller(number, frame(number), BEGAN_MS + 5_000 + 20 * number)
    (piece,) = take(made, 5_500).caller
    assert piece == Piece(5_080 * BYTES_PER_MS, b"".join(map(frame, range(4, 20))))


def test_nothing_is_wanted_and_nothing_is_kept() -> None:
    made = tracks()
    made.given(b"".join(map(frame, range(15))), BEGAN_MS)
    made.caller(1, frame(1), BEGAN_MS)
    made.pass_over(BEGAN_MS + 100)
    entry = take(made, 300)
    assert entry.from_ms == 100
    assert entry.caller == ()
    assert entry.heard == (Piece(800, b"".join(map(frame, range(5, 15)))),)


GIVEN = st.tuples(st.just("give"), st.integers(1, 3))
STEP = st.one_of(GIVEN, st.tuples(st.sampled_from(["clear", "take"]), st.just(0)))


@given(st.lists(st.tuples(st.integers(0, 700), STEP), max_size=60))
def test_the_right_side_is_what_a_carrier_plays(steps: list[tuple[int, tuple[str, int]]]) -> None:
    """Against a carrier that plays sample by sample, whatever is given, cleared and taken when."""
    made, now, number = tracks(), 0, 0
    queue, played, entries = bytearray(), bytearray(), []
    for wait, (verb, count) in steps:
        now += wait
        span = wait * BYTES_PER_MS
        heard, queue = queue[:span], queue[span:]
        played += heard.ljust(span, b"\xff")
        if verb == "give":
            number += 1
            audio = frame(number) * count
            queue += audio
            made.given(audio, BEGAN_MS + now)
        elif verb == "clear":
            queue.clear()
            made.cleared(BEGAN_MS + now)
        else:
            entries.append(take(made, now))
    entries.append(take(made, now))
    pieces = [piece for entry in entries for piece in entry.heard]
    assert laid_out(pieces, 0, len(played)) == bytes(played)
    for entry in entries:
        found = tape_fields(entry)
        assert read_tape(dict(zip(found[::2], found[1::2], strict=True))) == entry
