"""A call that is over: its recording, its picture, its figures. Calls themselves: tests/e2e/test_try.py."""

from __future__ import annotations

import io
import sys
import wave
from pathlib import Path
from typing import Any, cast

import pytest
from rich.console import Console

from console.demo import staging
from console.demo.staging import Placed
from console.demo.watch import Watch
from shared.contract.keys import Keys
from tests.console.demo.test_verdict import good_call


def placed() -> Placed:
    record = good_call()
    record.ended_at_ms = 30_000.0
    watch = Watch(redis_url="", keys=Keys(1), call_sid="CA", now_ms=lambda: 0.0, on_seen=lambda _seen: None)
    return Placed(watch=watch, record=record)


def test_a_recording_has_both_sides(tmp_path: Path) -> None:
    """In a folder that is made for it."""
    file = tmp_path / "new" / "call.wav"
    staging.write_recording(placed(), file)
    with wave.open(str(file)) as recording:
        assert (recording.getnchannels(), recording.getframerate()) == (2, 8000)


def test_a_picture_is_drawn(tmp_path: Path) -> None:
    """With whatever title."""
    file = tmp_path / "new" / "call.png"
    staging.write_picture(placed(), file, title="t", model="m")
    assert file.read_bytes().startswith(b"\x89PNG")


def test_without_anything_to_draw_with_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To whoever asked for the picture."""
    monkeypatch.delitem(sys.modules, "console.demo.picture", raising=False)
    monkeypatch.delattr("console.demo.picture", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", cast(Any, None))
    with pytest.raises(ImportError):
        staging.write_picture(placed(), tmp_path / "call.png", title="t", model="m")


def test_a_simulator_that_was_late_says_so_below_the_figures() -> None:
    """Beyond what blurs them."""
    record = good_call()
    texts = []
    for late_ms in (staging.BLURRED_MS, staging.BLURRED_MS + 1):
        record.worst_tick_late_ms = late_ms
        output = io.StringIO()
        staging.print_summary(Console(file=output, width=120), record)
        texts.append("the simulator itself" in output.getvalue())
    assert texts == [False, True]
