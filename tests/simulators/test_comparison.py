"""Both records of a call compared, on records written by hand."""

from __future__ import annotations

import pytest

from simulators import comparison
from tests.support.record_samples import audio, call, clears, hears, marks, receives, session, speaks


def test_what_was_heard_to_the_byte_is_not_missing() -> None:
    """Whatever else was played before and after it."""
    model, caller = session(), call()
    said = audio(1, 10)
    speaks(model, "item_a", said)
    hears(caller, audio(100, 3) + said + audio(110, 3), 0)
    caller.playout.advance(1000)

    assert comparison.unheard_items(caller, model) == []


def test_a_lost_frame_is_found_and_its_item_named() -> None:
    """With the share of its frames that were heard."""
    model, caller = session(), call()
    said = audio(1, 10)
    speaks(model, "item_a", said)
    hears(caller, said[:480] + said[640:], 0)
    caller.playout.advance(1000)

    assert comparison.unheard_items(caller, model) == ["item_a: 1600 bytes, 90% of its frames were heard"]


@pytest.mark.parametrize("event", ["conversation.item.truncate", "conversation.item.delete"])
def test_an_interrupted_item_may_lack_its_end(event: str) -> None:
    """Nobody expects the rest of it."""
    model, caller = session(), call()
    speaks(model, "item_a", audio(1, 10))
    receives(model, event, item_id="item_a")

    assert comparison.unheard_items(caller, model) == []
    assert comparison.interrupted_items(model) == {"item_a"}


def test_an_item_of_a_response_that_did_not_complete_is_excused() -> None:
    """Its end was never generated."""
    model, caller = session(), call()
    speaks(model, "item_a", audio(1, 10), status="cancelled")

    assert comparison.unheard_items(caller, model) == []
    assert comparison.cancelled_items(model) == {"item_a"}


def test_a_clear_excuses_the_last_100_ms_and_no_more() -> None:
    """A barge-in so late truncates nothing."""
    model, caller = session(), call()
    said = audio(1, 20)
    speaks(model, "item_a", said)
    hears(caller, said[: 15 * 160], 0)
    clears(caller, 300)
    assert comparison.unheard_items(caller, model) == []

    earlier = call()
    hears(earlier, said[: 13 * 160], 0)
    clears(earlier, 260)
    assert len(comparison.unheard_items(earlier, model)) == 1


def test_frames_after_the_clear_that_ended_their_item_are_stale() -> None:
    """Each one counts; those heard before the clear do not."""
    model, caller = session(), call()
    said = audio(1, 10)
    speaks(model, "item_a", said)
    hears(caller, said[:480], 0)
    clears(caller, 50)
    receives(model, "conversation.item.truncate", at_ms=55, item_id="item_a")
    hears(caller, said[640:960], 70)
    caller.playout.advance(1000)

    assert comparison.stale_frames(caller, model) == 2


def test_a_frame_that_a_fresh_item_has_as_well_is_not_stale() -> None:
    """It may be the fresh one's."""
    model, caller = session(), call()
    speaks(model, "item_a", audio(1, 10))
    speaks(model, "item_b", audio(5, 10), at_ms=60)
    hears(caller, audio(1, 3), 0)
    clears(caller, 50)
    receives(model, "conversation.item.truncate", at_ms=55, item_id="item_a")
    hears(caller, audio(5, 10), 80)
    caller.playout.advance(1000)

    assert comparison.stale_frames(caller, model) == 0


def test_the_session_of_a_call_is_found_by_its_marks() -> None:
    """A caller who heard items of two sessions heard somebody else's call."""
    first, second, caller = session(1), session(2), call()
    speaks(first, "item_a", audio(1, 2))
    speaks(second, "item_b", audio(1, 2))
    assert comparison.session_of(caller, [first, second]) is None

    marks(caller, "r.1.item_b.40")
    assert comparison.session_of(caller, [first, second]) is second

    marks(caller, "r.1.item_a.40")
    with pytest.raises(ValueError, match="2 sessions"):
        comparison.session_of(caller, [first, second])


def test_sessions_of_one_call_are_merged_in_order() -> None:
    """Of an item that the later session was told again, the first record stands."""
    first, second = session(1), session(2)
    speaks(first, "item_a", audio(1, 4))
    speaks(second, "item_a", b"")
    speaks(second, "item_b", audio(1, 2))

    whole = comparison.merged([first, second])

    assert list(whole.items) == ["item_a", "item_b"]
    assert whole.items["item_a"].generated_ms == 80
    assert comparison.item_audio(whole)["item_a"] == audio(1, 4)
