"""Logs: one line an event, readable by machines and people, never in the way of the audio."""

from __future__ import annotations

import io
import logging
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import pytest

from shared.logs import log as logs
from shared.logs.log import configure, get_log, identify, mask_number
from shared.logs.writer import LineWriter

HEBREW = "שלום"


class Paper(io.StringIO):
    """A stream whose lines are looked at."""

    def __init__(self, *, is_terminal: bool = False) -> None:
        super().__init__()
        self.is_terminal = is_terminal

    def isatty(self) -> bool:
        return self.is_terminal

    def events(self) -> list[dict[str, Any]]:
        return [orjson.loads(line) for line in self.getvalue().splitlines()]


@contextmanager
def logging_to(paper: io.TextIOBase, style: str = "json", level: str = "info") -> Iterator[LineWriter]:
    writer = configure(level, style, paper)  # type: ignore[arg-type]
    yield writer
    writer.close()


@pytest.fixture(autouse=True)
def _nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test is a process of its own."""
    monkeypatch.setattr(logs, "_ids", {})


def test_a_line_is_json_with_ids_and_clocks() -> None:
    """The format: first time, level and event; bound ids; UTC and monotonic; right-to-left text itself."""
    paper = Paper()
    with logging_to(paper):
        log = get_log(role="brain", worker="brain-0@h#1").bind(call="CA1")
        log.info("response_create", text=HEBREW, count=2)
        log.debug("not_this")
    (line,) = paper.getvalue().splitlines()
    event = orjson.loads(line)
    assert list(event)[:3] == ["ts", "level", "event"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event.pop("ts"))
    assert event.pop("mono_ms") > 0
    assert event == {
        "level": "info", "event": "response_create", "role": "brain", "worker": "brain-0@h#1",
        "call": "CA1", "text": HEBREW, "count": 2,
    }  # fmt: skip
    assert HEBREW in line


@pytest.mark.parametrize(("ns", "shown"), [(1_999_999_999, "00:00:01.999"), (2_000_000_000, "00:00:02.000")])
def test_seconds_and_their_parts_are_of_one_moment(
    ns: int, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock is read once: two readings may be a second apart."""
    moments = iter([ns, ns + 500_000_000])
    monkeypatch.setattr(logs.time, "time_ns", lambda: next(moments))
    paper = Paper()
    with logging_to(paper):
        get_log().info("now")

    assert paper.events()[0]["ts"] == f"1970-01-01T{shown}Z"


def test_an_exception_is_one_line() -> None:
    """A traceback stays inside its JSON string."""
    paper = Paper()
    with logging_to(paper):
        try:
            raise RuntimeError("x")
        except RuntimeError:
            get_log().exception("failed")
    (event,) = paper.events()
    assert "RuntimeError: x" in event["exception"]


@pytest.mark.parametrize("value", [2**70, "half a pair: \ud800", {1, 2}, object(), {("a", "b"): 1}])
def test_no_value_raises_where_it_is_logged(value: object) -> None:
    """A line is written in the middle of a call."""
    paper = Paper()
    with logging_to(paper):
        get_log().info("odd", value=value)

    (event,) = paper.getvalue().splitlines()
    assert '"event":' in event.replace(" ", "")


def test_a_long_value_is_cut() -> None:
    """The queue's bound is in lines: a line has one too."""
    paper = Paper()
    with logging_to(paper):
        get_log().info("long", text="x" * 1_000_000)

    assert len(paper.getvalue()) < 10_000


def test_controls_of_a_peer_do_not_reach_a_reader_of_json() -> None:
    """They read back, but a terminal that shows the line does not obey them."""
    paper = Paper()
    with logging_to(paper):
        get_log().info("odd", text="a\u202eb\x1b[2J\x9b\n")

    assert not set(paper.getvalue()) & set("\u202e\x1b\x9b")
    assert paper.events()[0]["text"] == "a\u202eb\x1b[2J\x9b\n"


def test_a_terminal_gets_coloured_text_that_nobody_else_can_colour() -> None:
    """One line an event; right-to-left text is isolated, escape sequences of others are shown."""
    paper = Paper(is_terminal=True)
    with logging_to(paper, style="auto"):
        get_log(call="CA1").info("said", text=f"{HEBREW} 5", name="a\x1b[31mb", more="1\n2")
    (line,) = paper.getvalue().splitlines()
    plain = re.sub(r"\x1b\[\d+m", "", line)

    assert line != plain
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \[info +\] said ", plain)
    assert f"text='\u2068{HEBREW} 5\u2069'" in plain
    assert "a\\x1b[31mb" in plain
    assert "call=CA1" in plain
    assert "mono_ms=" in plain


def test_a_traceback_on_a_terminal_shows_no_values() -> None:
    """Prettier ones print what variables hold."""
    paper = Paper(is_terminal=True)
    with logging_to(paper, style="console"):
        secret = "do not tell"
        try:
            raise RuntimeError(str(len(secret)))
        except RuntimeError:
            get_log().exception("failed")

    assert "RuntimeError: 11" in paper.getvalue()
    assert secret not in re.sub(r'secret = "do not tell"', "", paper.getvalue())


def test_a_file_is_no_terminal() -> None:
    """`auto` means JSON for machines."""
    paper = Paper()
    with logging_to(paper, style="auto"):
        get_log().info("x")

    assert paper.events()[0]["event"] == "x"


def test_what_libraries_log_goes_the_same_way(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the process's name on it, from warnings on; nothing goes to stderr past the queue."""
    paper = Paper()
    identify(role="brain", worker="brain-0@h#1")
    library = logging.getLogger("asyncio")
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # pytest's own one raises what is wrong.
    with logging_to(paper):
        library.info("not this")
        library.warning("took %d s", 3)
        library.error("does not fit %d", "x")
        try:
            raise RuntimeError("y")
        except RuntimeError:
            library.exception("failed")
    first, second, third = paper.events()

    assert {first[name] for name in ("event", "level", "library", "text", "worker")} == {
        "library_log", "warning", "asyncio", "took 3 s", "brain-0@h#1",
    }  # fmt: skip
    assert second["text"] == "does not fit %d"
    assert (third["level"], "RuntimeError: y" in third["exception"]) == ("error", True)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("style", ["json", "console"])
def test_lost_lines_are_told_in_a_line_like_any_other(style: str) -> None:
    """With clocks and the process's name."""
    paper = Paper()
    identify(worker="brain-0@h#1")
    with logging_to(paper, style=style) as writer:
        writer.counters.lines_dropped += 3
        get_log().info("x")
    writer.counters.lines_dropped = 0
    last = paper.getvalue().splitlines()[-1]
    if style == "console":
        assert re.search(r"Z \[warning +\] log_lines_dropped +lines=\S*3", last)
    else:
        event = orjson.loads(last)
        assert (event["event"], event["lines"], event["level"]) == ("log_lines_dropped", 3, "warning")
        assert {"ts", "mono_ms", "worker"} <= set(event)


@pytest.mark.parametrize(("number", "masked"), [("+15551234567", "…67"), ("123", "…"), ("", "")])
def test_numbers_are_masked(number: str, masked: str) -> None:
    """Two digits tell calls apart for an operator and nobody else."""
    assert mask_number(number) == masked


def test_a_stream_that_cannot_spell_a_character_ends_nothing() -> None:
    """Under an ASCII locale letters are escaped, and the lines after it are written."""
    raw = io.BytesIO()
    with logging_to(io.TextIOWrapper(raw, encoding="ascii", write_through=True)):
        get_log().info("first", text=HEBREW)
        get_log().info("second")
    assert [b"first" in line or b"second" in line for line in raw.getvalue().splitlines()] == [True, True]


def test_a_name_that_nobody_waits_for_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop keeps a lookup of its own when a connection is given up, and reports it when it fails."""
    paper = Paper()
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    with logging_to(paper):
        for error in (socket.gaierror(-2, "not known"), OSError("another")):
            asyncio = logging.getLogger("asyncio")
            asyncio.error("Future exception was never retrieved", exc_info=(type(error), error, None))
    (only,) = paper.events()
    assert "another" in only["exception"]
