"""Logs: one line an event, readable by machines, never in the way of the audio."""

from __future__ import annotations

import io
import os
import threading

import orjson
import pytest

from shared.logs import QUEUE_LINES, LineWriter, configure, get_log, mask_number


def test_a_line_is_json_with_ids_and_clocks() -> None:
    """Bound ids, UTC and monotonic time; right-to-left text stays itself."""
    stream = io.StringIO()
    writer = configure("info", "json", stream)
    get_log(role="brain").info("response_create", text="שלום")
    get_log().debug("not_this")
    writer.close()
    (line,) = stream.getvalue().splitlines()
    event = orjson.loads(line)
    assert (event["event"], event["role"], event["level"], event["text"]) == (
        "response_create", "brain", "info", "שלום",
    )  # fmt: skip
    assert event["ts"].endswith("Z")
    assert event["mono_ms"] > 0


def test_an_exception_is_one_line() -> None:
    """A traceback stays inside its JSON string."""
    stream = io.StringIO()
    writer = configure("info", "json", stream)
    try:
        raise RuntimeError("x")
    except RuntimeError:
        get_log().exception("failed")
    writer.close()
    (line,) = stream.getvalue().splitlines()
    assert "RuntimeError: x" in orjson.loads(line)["exception"]


def test_a_stalled_pipe_never_blocks_the_writer() -> None:
    """Nobody reads the pipe: lines are dropped and counted, the caller goes on."""
    read_end, write_end = os.pipe()
    with os.fdopen(read_end) as reader, os.fdopen(write_end, "w") as stalled:
        writer = LineWriter(stalled)
        for _ in range(QUEUE_LINES * 3):
            writer.write("x" * 200)
        assert writer.dropped > 0
        drained = threading.Thread(target=reader.read, daemon=True)
        drained.start()
        writer.close()
        stalled.close()
        drained.join(5)


@pytest.mark.parametrize(("number", "masked"), [("+15551234567", "…67"), ("123", "…"), ("", "")])
def test_numbers_are_masked(number: str, masked: str) -> None:
    """Two digits tell calls apart for an operator and nobody else."""
    assert mask_number(number) == masked


def test_a_stream_that_cannot_spell_a_character_ends_nothing() -> None:
    """Under an ASCII locale letters are escaped, and the lines after it are written."""
    raw = io.BytesIO()
    writer = configure("info", "json", io.TextIOWrapper(raw, encoding="ascii", write_through=True))
    get_log().info("first", text="שלום")
    get_log().info("second")
    writer.close()
    assert [b"first" in line or b"second" in line for line in raw.getvalue().splitlines()] == [True, True]
