"""The picture and the lines: from a call to a file and to a terminal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from rich.console import Console

from console.demo import picture, report
from console.demo.figures import figures
from console.demo.timeline import Line, Who
from console.demo.verdict import Check
from console.demo.watch import Sample
from simulators.twilio.record import CallRecord
from tests.console.demo.test_verdict import good_call


def sampled(record: CallRecord) -> picture.Scene:
    samples = [
        Sample(at_ms=at * 100.0, caller_frames=at % 5, reply_entries=9, tx_q_ms=50.0) for at in range(90)
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


def test_the_envelope_has_a_value_for_each_column() -> None:
    """Silence is 0, the loudest code nearly 1."""
    seconds, loudest = picture.envelope(b"\xff" * 80 + b"\x00" * 80 + b"\xff" * 10)
    assert list(np.round(loudest, 1)) == [0.0, 1.0, 0.0]
    assert list(np.round(seconds, 2)) == [0.0, 0.01, 0.02]


def test_figures_of_the_call() -> None:
    """Response times, barge-in and frames are those of the record."""
    found = figures(good_call())
    assert [turn.name for turn in found.turns] == ["ask", "interrupt", "goodbye"]
    assert [turn.response_ms for turn in found.turns] == [1000, 1560, 1000]
    assert found.barge_in_silent_ms == [60]
    assert (found.frames_late, found.frames_lost) == (0, 0)


def printed(width: int, *things: object) -> str:
    console = Console(width=width, highlight=False, emoji=False, force_terminal=False)
    with console.capture() as captured:
        for thing in things:
            if isinstance(thing, Line):
                report.print_line(console, thing)
            else:
                console.print(thing)
    return captured.get()


def test_a_line_of_the_timeline() -> None:
    """Time, whose, what; Hebrew isolated, markup in texts left alone."""
    line = Line(at_ms=1234.0, who=Who.CALLER, text="", said="[bold]שלום[/bold]")
    assert printed(20, line) == "   1.23 s  caller   \u2066“[bold]שלום[/bold]”\u2069\n"


def test_a_long_line_on_a_terminal_goes_on_below_its_beginning() -> None:
    """Each part isolated, so that both read right."""
    console = Console(width=39, highlight=False, force_terminal=True, color_system=None)
    with console.capture() as captured:
        report.print_line(console, Line(at_ms=0.0, who=Who.AGENT, text="", said="שלום לך, איך אפשר לעזור?"))
    first, second = captured.get().splitlines()
    assert first.startswith("   0.00 s  agent    \u2067“שלום")
    assert second.startswith(" " * report.INDENT + "\u2067")
    assert first.endswith("\u2069")
    assert second.endswith("”\u2069")


def test_checks_and_summary_are_printed() -> None:
    """A mark for each expectation, a row for each turn."""
    checks = [
        Check(expected="this", met=True, came="it"),
        Check(expected="that", met=False, came="[nothing]"),
    ]
    text = printed(
        100,
        report.checks(checks, title="So?"),
        report.summary(figures(good_call()), verbose_simulator=False),
    )
    assert "✓ this  (it)" in text
    assert "✗ that  ([nothing])" in text
    assert "turn 2 (interrupt)" in text
