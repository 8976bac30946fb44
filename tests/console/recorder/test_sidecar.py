"""What a sidecar says, in words: and one that was spoilt says less."""

from __future__ import annotations

import pytest

from console.recorder import sidecar
from console.text import NONE

TOLD = {
    "seconds": 65.5, "recorded_from_ms": 1_700_000_000_000, "announced_at_ms": 1_700_000_000_000,
    "ended_at_ms": 1_700_000_070_000, "lost_frames": 3, "sha256": "ab" * 32,
    "silences": [
        {"at_ms": 0, "ms": 1_200, "why": "stream"}, {"at_ms": 9, "ms": 300, "why": "stream"},
        {"at_ms": 20, "ms": 5_000, "why": "paused"},
    ],
}  # fmt: skip


def test_a_recording_in_words() -> None:
    """How long, since when, what is missing and why, its hash."""
    assert dict(sidecar.facts(TOLD)) == {
        "length": "1:05", "recorded from": "2023-11-14 22:13:20", "announced, UTC": "2023-11-14 22:13:20",
        "gaps": "2 without a stream, 1.5 s; 1 paused, 5.0 s", "frames of the caller lost": "3",
        "SHA-256": "ab" * 32,
    }  # fmt: skip
    assert sidecar.ended_ms(TOLD) == 1_700_000_070_000


def test_what_is_whole_says_so() -> None:
    """And one that callers knew of otherwise was not announced by us."""
    found = dict(sidecar.facts({**TOLD, "silences": [], "announced_at_ms": None}))
    assert (found["gaps"], found["announced, UTC"]) == ("none", "not by us")


@pytest.mark.parametrize(
    "told",
    [
        {},
        dict.fromkeys(TOLD, "x") | {"sha256": 7},
        {"silences": ["x"], "recorded_from_ms": 10**30, "ended_at_ms": True, "seconds": None},
    ],
)
def test_a_sidecar_that_was_spoilt_says_less(told: dict[str, object]) -> None:
    """And is no error."""
    found = dict(sidecar.facts(told))
    assert (found["length"], found["recorded from"], found["SHA-256"]) == (NONE, NONE, NONE)
    assert sidecar.ended_ms(told) == 0
