"""The figures of a sequencer: they fit one another."""

from __future__ import annotations

from brain.sequencer import Reason, SequencerConfig
from brain.sequencer.wishes import EXPIRY_MS

APOLOGY_MS = 12_000.0
"""So much silence ends in an apology (docs/design.md, Sound is owed)."""


def test_two_creates_are_given_up_within_six_seconds() -> None:
    """With the pause between them."""
    config = SequencerConfig()

    assert config.created_wait_ms * 2 + config.first_backoff_ms < 6_000


def test_a_missing_done_is_noticed_within_six_seconds() -> None:
    """Also where the server was to cancel by itself."""
    config = SequencerConfig()

    assert config.server_cancel_wait_ms + config.done_wait_ms < 6_000


def test_a_lost_response_is_asked_for_again_before_the_apology() -> None:
    """Created, and never heard of again."""
    config = SequencerConfig()

    assert config.unspoken_wait_ms + config.refused_cancel_wait_ms < APOLOGY_MS


def test_wishes_for_what_is_owed_outlive_the_apology() -> None:
    """All but a prompt that nobody waits for."""
    owed = [reason for reason in Reason if reason is not Reason.IDLE_PROMPT]

    assert all(EXPIRY_MS[reason] > APOLOGY_MS for reason in owed)


def test_a_fault_that_passes_within_eight_seconds_is_asked_about_before_the_apology() -> None:
    """However often the model has failed by then: the longest pause is short."""
    config = SequencerConfig()

    assert 8_000 + config.longest_backoff_ms < APOLOGY_MS - 1_000
