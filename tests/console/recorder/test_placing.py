"""Where every piece of a recording goes, whatever becomes of its entries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.recorder.placing import GAP_MOST_MS, LOST, PAUSED, STREAM, Patch, Placing, Span
from shared.contract.streams.tape import Piece, TapeEntry

WALL = 1_700_000_000_000
ENTRY_MS = 500


def entry(
    number: int,
    *,
    run: str = "a:1",
    wall_ms: int = WALL,
    leg: int = 1,
    uses: str = "r",
    pauses: bool = False,
    skipped_ms: int = 0,
    caller: tuple[Piece, ...] | None = None,
) -> TapeEntry:
    """The n-th of a run: half a second, both sides its own number."""
    from_ms = (number - 1) * ENTRY_MS + skipped_ms
    piece = (Piece(from_ms * 8, bytes([number]) * ENTRY_MS * 8),)
    return TapeEntry(
        run=run, number=number, leg=leg, wall_ms=wall_ms, from_ms=from_ms, to_ms=from_ms + ENTRY_MS,
        uses=uses, pauses=pauses, caller=piece if caller is None else caller, heard=piece,
    )  # fmt: skip


def laid(placing: Placing, patches: list[Patch]) -> list[bytes]:
    """Both tracks as a file would have them."""
    tracks = [bytearray(b"\xff" * placing.end_ms * 8) for _ in range(2)]
    for patch in patches:
        piece = patch.piece
        tracks[patch.channel][piece.at : piece.end] = piece.audio
    return [bytes(track) for track in tracks]


def place(placing: Placing, *entries: TapeEntry, first_id: int = 1) -> list[Patch]:
    return [patch for at, each in enumerate(entries) for patch in placing.place(f"{first_id + at}-0", each)]


def test_entries_stand_one_behind_the_other() -> None:
    placing = Placing()
    left, right = laid(placing, place(placing, entry(1), entry(2)))
    assert left == right == b"\x01" * 4000 + b"\x02" * 4000
    assert placing.spans == []


def test_an_announcement_is_before_the_beginning() -> None:
    """The first sample is that of the first entry that is recorded; a listener's entries leave no trace."""
    placing = Placing()
    left, _ = laid(placing, place(placing, entry(1, uses="l"), entry(2), entry(3)))
    assert left == b"\x02" * 4000 + b"\x03" * 4000
    assert placing.origin_ms == WALL + 500


def test_what_was_lost_is_silence_and_known() -> None:
    placing = Placing()
    left, _ = laid(placing, place(placing, entry(1), entry(4)))
    assert left == b"\x01" * 4000 + b"\xff" * 8000 + b"\x04" * 4000
    assert placing.spans == [Span(at_ms=500, ms=1000, why=LOST)]


def test_a_pause_is_silence_and_named_so() -> None:
    """Also where a frame of it came late, in the first entry behind it."""
    placing = Placing()
    late = (Piece(900 * 8, b"\x09" * 1600),)
    patches = place(placing, entry(1, pauses=True), entry(2, skipped_ms=500, caller=late))
    left, right = laid(placing, patches)
    assert placing.spans == [Span(at_ms=500, ms=500, why=PAUSED)]
    assert left == b"\x01" * 4000 + b"\xff" * 4000 + b"\x09" * 800 + b"\xff" * 3200
    assert right[4000:8000] == b"\xff" * 4000


def test_a_call_that_moves_goes_on_at_its_time() -> None:
    """Another ingress, another run: what lies between is a seam."""
    placing = Placing()
    entries = (entry(1), entry(1, run="b:1", wall_ms=WALL + 2_000, leg=2))
    left, _ = laid(placing, place(placing, *entries))
    assert left == b"\x01" * 4000 + b"\xff" * 12000 + b"\x01" * 4000
    assert placing.spans == [Span(at_ms=500, ms=1500, why=STREAM)]
    assert [(leg.leg, leg.at_ms) for leg in placing.legs] == [(1, 0), (2, 2_000)]


@pytest.mark.parametrize("behind_ms", [300, 3_600_000])
def test_a_host_whose_clock_is_behind_goes_back_over_nothing(behind_ms: int) -> None:
    """Its sound stands behind what there is, and the sidecar says by how much it was moved."""
    placing = Placing()
    late = WALL - behind_ms
    entries = (entry(1), entry(1, run="b:1", wall_ms=late, leg=2), entry(2, run="b:1", wall_ms=late, leg=2))
    left, right = laid(placing, place(placing, *entries))
    assert left == right == b"\x01" * 8000 + b"\x02" * 4000
    assert placing.spans == []
    assert [(leg.at_ms, leg.moved_ms) for leg in placing.legs] == [(0, 0), (500, 500 + behind_ms)]


def test_a_host_whose_clock_is_a_day_ahead_makes_no_day_of_silence() -> None:
    """The gap is bounded and told, and a call that moves back goes on behind it."""
    placing, day_ms = Placing(), 86_400_000
    entries = (
        entry(1),
        entry(1, run="b:1", wall_ms=WALL + day_ms, leg=2),
        entry(2, run="b:1", wall_ms=WALL + day_ms, leg=2),
        entry(5, run="c:1", wall_ms=WALL, leg=3),
    )
    left, _ = laid(placing, place(placing, *entries))
    silence = b"\xff" * GAP_MOST_MS * 8
    assert left == b"\x01" * 4000 + silence + b"\x01" * 4000 + b"\x02" * 4000 + b"\x05" * 4000
    assert placing.spans == [Span(at_ms=500, ms=GAP_MOST_MS, why=STREAM, was_ms=day_ms - 500)]
    assert [leg.moved_ms < 0 for leg in placing.legs] == [False, True, False]


def test_a_stream_that_another_one_has_followed_goes_back_over_nothing() -> None:
    """Its last entry comes late, from a host that did not know yet."""
    placing = Placing()
    entries = (entry(1), entry(1, run="b:1", wall_ms=WALL + 500, leg=2), entry(2), entry(2, run="b:1",
               wall_ms=WALL + 500, leg=2))  # fmt: skip
    left, _ = laid(placing, place(placing, *entries))
    assert left == b"\x01" * 8000 + b"\x02" * 4000


def test_a_number_of_the_carriers_that_jumps_makes_no_silence() -> None:
    """Its piece is placed a day ahead."""
    placing = Placing()
    far = (Piece(0, b"\x01" * 160), Piece(86_400_000 * 8, b"\x02" * 160))
    patches = place(placing, entry(1, caller=far))
    assert max(patch.piece.end for patch in patches) <= 4000


def test_a_lost_beginning_is_known() -> None:
    """No recorder ran for longer than Redis keeps sound: the first entry there is is not the first one."""
    placing = Placing()
    left, _ = laid(placing, place(placing, entry(11), entry(12)))
    assert left == b"\x0b" * 4000 + b"\x0c" * 4000
    assert placing.spans == [Span(at_ms=0, ms=0, why=LOST, was_ms=5_000)]


def test_a_stream_whose_beginning_was_lost_is_said_to_be() -> None:
    placing = Placing()
    place(placing, entry(1), entry(3, run="b:1", wall_ms=WALL + 500, leg=2))
    assert placing.spans == [Span(at_ms=500, ms=1000, why=LOST)]


def test_what_was_a_listeners_is_no_loss() -> None:
    """Entries of before the recording have numbers too; and its stream is one from its first recorded one."""
    placing = Placing()
    place(placing, entry(5, uses="l"), entry(6))
    assert placing.spans == []
    assert [(leg.leg, leg.at_ms) for leg in placing.legs] == [(1, 0)]


def test_what_is_written_twice_is_no_loss() -> None:
    """A pause behind it is a gap of its own."""
    placing = Placing()
    place(placing, entry(1), entry(2), entry(2), entry(3, skipped_ms=500))
    assert [span.why for span in placing.spans] == [STREAM]


@given(
    st.lists(st.integers(1, 8), min_size=1, max_size=20),
    st.sets(st.integers(1, 8)),
    st.integers(0, 20),
)
def test_whatever_comes_twice_or_never_everything_else_stands_at_its_time(
    repeats: list[int], lost: set[int], kill_after: int
) -> None:
    """Entries are repeated by their writer and read again by a recorder that was killed: nothing moves."""
    numbers = [number for number in range(1, 9) if number not in lost]
    stream: list[tuple[str, TapeEntry]] = []
    for number in numbers:
        stream += [(f"{len(stream) + n + 1}-0", entry(number)) for n in range(1 + repeats.count(number))]
    placing, patches, saved = Placing(), [], Placing().dump()
    for at, (entry_id, each) in enumerate(stream):
        patches += placing.place(entry_id, each)
        if at == kill_after:
            placing = Placing.load(saved)
            for again_id, again in stream[: at + 1]:
                patches += placing.place(again_id, again)
        elif at % 3 == 0:
            saved = placing.dump()
    if not numbers:
        assert placing.origin_ms is None
        return
    first, last = numbers[0], numbers[-1]
    track = b"".join(
        (b"\xff" if number in lost else bytes([number])) * 4000 for number in range(first, last + 1)
    )
    assert laid(placing, patches) == [track, track]
    assert sum(span.was_ms or 0 for span in placing.spans) == ENTRY_MS * (first - 1)
    missing = sum(span.ms for span in placing.spans)
    assert missing == sum(ENTRY_MS for number in range(first, last + 1) if number in lost)


def test_what_is_no_state_is_refused() -> None:
    with pytest.raises(ValueError, match="state of a recording"):
        Placing.load(b'{"runs": 1}')
