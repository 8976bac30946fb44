"""The command line."""

from __future__ import annotations

import asyncio
import signal
import sys

import pytest

from simulators.realtime import cli


def test_help_explains_knobs(capsys: pytest.CaptureFixture[str]) -> None:
    """All knobs with defaults are in the help."""
    with pytest.raises(SystemExit) as caught:
        cli.main(["--help"])
    assert caught.value.code == 0
    assert "first_audio_ms=None" in capsys.readouterr().out


def test_a_wrong_knob_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, and which knobs there are."""
    with pytest.raises(SystemExit) as caught:
        cli.main(["--knob", "nothing=1"])
    assert caught.value.code == 2
    assert "got 'nothing'" in capsys.readouterr().err


async def test_it_serves_until_sigterm() -> None:
    """It says where it listens, and ends with 0."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "simulators.realtime", "--port", "0", "--script", "hebrew"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), 20)
    assert b"OPENAI_BASE_URL=http://127.0.0.1:" in line
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 10) == 0
