"""Why a call ended, in words."""

from __future__ import annotations

from console.story.ending import in_words


def test_outcome_and_cause_are_one_sentence() -> None:
    """A cause that is not known stands as it is."""
    assert in_words("hangup", "end_call") == "we hung up: the agent said goodbye"
    assert in_words("apology", "no_session").endswith("the model could not be reached")
    assert in_words("hangup", "some_new_cause") == "we hung up: some_new_cause"
    assert in_words("completed", "") == "the caller hung up, or the carrier ended the call"


def test_a_call_that_goes_on_has_no_end() -> None:
    """And a word of a newer version is shown."""
    assert in_words("", "end_call") == ""
    assert in_words("vanished", "") == "it ended as vanished"
