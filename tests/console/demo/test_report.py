"""What the demo prints: live lines, checks, the sum."""

from __future__ import annotations

from dataclasses import replace

from rich.console import Console

from console.demo import report
from console.demo.figures import figures
from console.demo.timeline import Line, Who
from console.demo.verdict import Check
from tests.console.demo.test_verdict import good_call

ISOLATES, POP = "\u2066\u2067\u2068", "\u2069"
"""Marks that begin text with a direction of its own, and the one that ends it."""


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
    head, _, said = printed(20, line).rstrip("\n").partition("caller   ")
    assert head == "   1.23 s  "
    assert said[0] in ISOLATES
    assert said[1:] == f"“[bold]שלום[/bold]”{POP}"


def test_our_own_words_stand_as_they_are() -> None:
    """Without quotation marks, on one line where there is no terminal."""
    line = Line(at_ms=0.0, who=Who.BRIDGE, text="model session ready, µ-law both ways")
    assert printed(20, line) == "   0.00 s  bridge   model session ready, µ-law both ways\n"


def test_a_long_line_on_a_terminal_goes_on_below_its_beginning() -> None:
    """Each part isolated, so that both read right."""
    console = Console(width=39, highlight=False, force_terminal=True, color_system=None)
    with console.capture() as captured:
        report.print_line(console, Line(at_ms=0.0, who=Who.AGENT, text="", said="שלום לך, איך אפשר לעזור?"))
    first, second = captured.get().splitlines()
    head, mark, said = first[: report.INDENT + 1], first[report.INDENT + 1], first[report.INDENT + 2 :]
    assert head == "   0.00 s  agent    "
    assert mark in ISOLATES
    assert said.startswith("“שלום")
    assert second.startswith(" " * report.INDENT)
    assert second[report.INDENT] in ISOLATES
    assert first.endswith(POP)
    assert second.endswith(f"”{POP}")


def test_checks_and_summary_are_printed() -> None:
    """A mark for each expectation, a row for each turn."""
    checks = [
        Check(expected="this", met=True, got="it"),
        Check(expected="that", met=False, got="[nothing]"),
    ]
    text = printed(
        100,
        report.checks(checks, title="So?"),
        report.summary(figures(good_call()), verbose_simulator=False),
    )
    assert "✓ this  (it)" in text
    assert "✗ that  ([nothing])" in text
    assert "turn 2 (interrupt)" in text
    assert "itself" not in text


def test_a_simulator_that_was_late_says_so() -> None:
    """Its own figures are blurred then, and late frames have their worst."""
    found = replace(figures(good_call()), frames_late=2, worst_late_ms=31.0, simulator_late_ms=40.0)
    text = printed(100, report.summary(found, verbose_simulator=True))
    assert "2 late (worst 31 ms)" in text
    assert "the simulator itself was up to 40 ms late" in text
