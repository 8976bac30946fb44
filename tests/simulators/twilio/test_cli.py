"""The command line: help, one call recorded, load, wrong usage."""

from __future__ import annotations

import asyncio
import sys
import wave
from pathlib import Path

import pytest

from simulators.twilio import cli
from tests.simulators.twilio.calls import VOICE, greet
from tests.simulators.twilio.reference_bridge import AUTH_TOKEN, VOICE_URL, reference_bridge


async def run(*arguments: str) -> tuple[int, str]:
    """`python -m simulators.twilio …` in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulators.twilio", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await asyncio.wait_for(process.communicate(), 50)
    return process.returncode or 0, output.decode()


def target(address: str) -> list[str]:
    return ["--voice-url", VOICE_URL, "--dial", address, "--auth-token", AUTH_TOKEN]


async def test_a_call_is_made_summed_up_and_recorded(tmp_path: Path) -> None:
    """Exit 0; the WAV has two channels; a file is what the caller says."""
    (tmp_path / "voice.ulaw").write_bytes(VOICE.audio)
    wav = tmp_path / "out.wav"

    async def talk(socket: object) -> None:
        await greet(socket)  # type: ignore[arg-type]

    async with reference_bridge(talk) as bridge:
        status, output = await run(*target(bridge.address), "--dtmf", "5", "--record", str(wav))

        assert (status, "caller_hung_up" in output) == (0, True), output
        assert "heard from" in output
        assert len(bridge.sockets[0].of("dtmf")) == 1
    with wave.open(str(wav)) as file:
        assert file.getnchannels() == 2


async def test_a_failed_step_is_printed_and_the_status_is_1(tmp_path: Path) -> None:
    """The bridge never answers: the call ends early."""
    async with reference_bridge(greet, lambda path, form: "<Response><Hangup/></Response>") as bridge:
        status, output = await run(*target(bridge.address))

        assert status == 1
        assert "FAILED: step 1 WaitForSpeech" in output


async def test_load_prints_its_figures() -> None:
    """Calls, turns, media, the simulator's own lateness."""
    async with reference_bridge(greet) as bridge:
        _, output = await run(*target(bridge.address), "--calls", "3", "--seconds", "1", "--ramp", "0.1")

        assert "calls 3, answered 3; ended: caller_hung_up 3" in output
        assert "worst tick" in output


@pytest.mark.parametrize(
    ("arguments", "word"),
    [(["--dial", "nowhere"], "expected host:port"), (["--say", "no_such_clip"], "stored clip")],
)
def test_wrong_usage_is_2_and_says_what_was_expected(
    arguments: list[str], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is called."""
    status = cli.main(["--voice-url", VOICE_URL, "--auth-token", "t", *arguments])

    assert status == 2
    assert word in capsys.readouterr().err


def test_help_shows_whole_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """Ready to copy."""
    with pytest.raises(SystemExit):
        cli.main(["--help"])

    assert "--calls 20 --seconds 60 --barge-in 0.25" in capsys.readouterr().out


@pytest.mark.parametrize("load", [[], ["--calls", "1", "--seconds", "0.5", "--ramp", "0"]])
async def test_who_calls_whom_can_be_said(load: list[str]) -> None:
    """Of one call and of many: another of your numbers, a SIP address."""
    async with reference_bridge(greet, lambda path, form: "<Response><Hangup/></Response>") as bridge:
        await run(*target(bridge.address), "--to", "+15550003333", "--from", "sip:ada@example.com", *load)

        form = bridge.posts[0].form
        assert (form["To"], form["Called"]) == ("+15550003333", "+15550003333")
        assert (form["From"], form["Caller"]) == ("sip:ada@example.com", "sip:ada@example.com")
