"""The picture: from a call to a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from console.demo import picture
from console.demo.figures import figures
from console.demo.watch import Sample
from simulators.twilio.record import CallRecord
from tests.console.demo.test_verdict import good_call


def sampled(record: CallRecord) -> picture.Scene:
    samples = [
        Sample(at_ms=at * 100.0, caller_frames=at % 5, reply_entries=9, tx_q_ms=50.0 if at > 9 else None)
        for at in range(90)
    ]
    return picture.Scene(title="t", record=record, samples=samples, figures=figures(record), model="m")


def test_a_png_of_a_whole_call(tmp_path: Path) -> None:
    """Large enough to read."""
    record = good_call()
    record.ended_at_ms = 30_000.0
    picture.draw(sampled(record), tmp_path / "call.png")
    assert (tmp_path / "call.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "call.png").stat().st_size > 20_000


def test_a_call_without_a_word_can_be_drawn(tmp_path: Path) -> None:
    """When everything failed, the picture is what one looks at."""
    record = CallRecord(call_sid="CA", from_number="", to_number="", zero_ms=0.0)
    picture.draw(sampled(record), tmp_path / "empty.png")
    assert (tmp_path / "empty.png").exists()


@pytest.mark.parametrize("in_hand", [[], [40.0, 160.0], [-60.0, 160.0], [-900.0, 20.0]])
def test_two_axes_have_one_zero(in_hand: list[float]) -> None:
    """Where frames came too late there is room below it, else it is the bottom; all figures are inside."""
    (low, high), (low_ms, high_ms) = picture.from_one_zero([0.0, 5.0], in_hand)
    assert low / (high - low) == pytest.approx(low_ms / (high_ms - low_ms))
    assert low <= 0 < 5.0 < high
    assert all(low_ms < ms < high_ms for ms in in_hand)
    assert (low == 0) is not any(ms < 0 for ms in in_hand)


def test_the_envelope_has_a_value_for_each_column() -> None:
    """Silence is 0, the loudest code nearly 1."""
    seconds, loudest = picture.envelope(b"\xff" * 80 + b"\x00" * 80 + b"\xff" * 10)
    assert list(np.round(loudest, 1)) == [0.0, 1.0, 0.0]
    assert list(np.round(seconds, 2)) == [0.0, 0.01, 0.02]
