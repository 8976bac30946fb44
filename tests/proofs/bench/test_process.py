"""A process that is told what to do over a pipe."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from proofs.bench import process
from proofs.bench.process import GO, OVER, READY, Child, ProcessFailed
from proofs.measure.cpu import cpu_ms

ECHO = """
import asyncio
from proofs.bench import process
process.tell("ready")
asyncio.run(process.told("go"))
process.tell("over")
"""


async def child(source: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> Child:
    """A process that runs this source."""
    (folder / "told.py").write_text(source, "utf-8")
    monkeypatch.setenv("PYTHONPATH", f"{folder}:{process.REPOSITORY}")
    return await Child.begin("echo", ["told"])


async def test_words_go_both_ways(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each is waited for; afterwards nothing runs."""
    echo = await child(ECHO, monkeypatch, tmp_path)
    await echo.hear(READY)
    await echo.say(GO)
    await echo.hear(OVER)
    await echo.end()
    assert cpu_ms({"echo": echo.pid}) == {}


async def test_an_end_instead_of_a_word_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With its code; and who is gone cannot be told anything."""
    gone = await child("raise SystemExit(3)", monkeypatch, tmp_path)
    with pytest.raises(ProcessFailed, match=r"echo: expected 'ready', got 'its end \(code 3\)'"):
        await gone.hear(READY)
    await gone.end()


async def test_another_word_and_no_word_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What was expected, what came."""
    echo = await child(ECHO, monkeypatch, tmp_path)
    try:
        with pytest.raises(ProcessFailed, match="expected 'over', got 'ready'"):
            await echo.hear(OVER)
        with pytest.raises(ProcessFailed, match="expected 'over' within 0 s, got nothing"):
            await echo.hear(OVER, timeout_s=0.01)
    finally:
        await echo.end()


async def test_whoever_waits_for_a_word_hears_that_nobody_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pipe ends when the command does."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    with pytest.raises(EOFError, match="expected 'go', got ''"):
        await process.told(GO)
