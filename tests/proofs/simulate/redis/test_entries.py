"""A stream's own rules."""

from __future__ import annotations

from proofs.simulate.redis.entries import Stream


def _filled(*ms: int) -> Stream:
    stream = Stream()
    for each in ms:
        stream.add((each, 0), [b"f", b"v"])
    return stream


def test_ids_only_rise() -> None:
    """Whatever the clock says, and after all entries have gone."""
    stream = _filled(100)
    assert stream.next_id(200) == (200, 0)
    assert stream.next_id(100) == (100, 1)
    assert stream.next_id(50) == (100, 1)
    stream.remove((100, 0))
    assert stream.next_id(50) == (100, 1)


def test_ranges_and_trims() -> None:
    """Both ends count; what goes, goes from the head."""
    stream = _filled(1, 2, 3, 4, 5)
    assert stream.between((2, 0), (4, 0)) == [(2, 0), (3, 0), (4, 0)]
    assert stream.after((3, 0), 1) == [(4, 0)]
    assert stream.keep_from((3, 0)) == 2
    assert stream.keep_last(1) == 2
    assert stream.ids == [(5, 0)]
    assert list(stream.fields) == [(5, 0)]


def test_an_entry_is_removed_once() -> None:
    """The second time it is not there."""
    stream = _filled(1, 2)
    assert stream.remove((1, 0))
    assert not stream.remove((1, 0))
    assert stream.ids == [(2, 0)]
