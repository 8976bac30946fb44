"""What a caller waited, on records written by hand, and what is promised of it."""

from __future__ import annotations

import pytest

from proofs.prove.openings.first_second import Row, Streamless, promises, wait_ms
from proofs.prove.promises import true_of
from simulators.twilio.record import Webhook
from tests.support.record_samples import audio, call, hears

CALLS = 2


def row(early_ms: float, late_ms: float, *, sessions: int = CALLS, deaf: int = 0) -> Row:
    """Two calls each way that waited so long."""
    return Row(
        600.0,
        {True: [early_ms] * CALLS, False: [late_ms] * CALLS},
        {True: sessions, False: CALLS},
        deaf,
    )


def test_the_wait_counts_from_the_first_webhook() -> None:
    """Not from the moment of answering, nor from a later webhook."""
    record = call()
    record.webhooks = [Webhook("voice", "url", 1, 40.0), Webhook("voice", "url", 2, 90.0)]
    assert wait_ms(record) is None
    hears(record, audio(1, 5), 1_000)
    assert wait_ms(record) == pytest.approx(960.0)


@pytest.mark.parametrize(
    ("found", "streamless", "broken"),
    [
        (row(800, 1_200), Streamless(2, 2, 0), 0),
        (row(1_200, 1_200), Streamless(2, 2, 0), 1),
        (row(800, 1_200, sessions=3), Streamless(2, 2, 0), 1),
        (row(800, 1_200, deaf=1), Streamless(2, 2, 0), 1),
        (row(800, 1_200), Streamless(2, 2, 1), 1),
        (row(800, 1_200), Streamless(2, 0, 0), 1),
    ],
)
def test_what_is_promised(found: Row, streamless: Streamless, broken: int) -> None:
    """Something is gained, a session a call, and none stays open."""
    assert len(true_of(promises([found], streamless, CALLS))) == broken
