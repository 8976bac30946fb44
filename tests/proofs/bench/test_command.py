"""The command line of `make bench`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from proofs.bench.command import _given, parser, systems
from proofs.bench.order import SYSTEMS


def chosen(*words: str) -> list[str]:
    return systems(parser().parse_args(words))


def test_what_is_measured_follows_from_what_is_asked() -> None:
    """Trunkline alone, all, some, or a server of the user's own in its place."""
    assert chosen() == ["trunkline"]
    assert chosen("--compare") == list(SYSTEMS)
    assert chosen("--only", "sample,leanest,sample") == ["sample", "leanest"]
    given = ("--url", "wss://host/media", "--model-port", "9000")
    assert chosen(*given) == ["given"]
    assert chosen(*given, "--compare") == ["given", "leanest", "sample", "agents", "pipecat"]
    assert chosen(*given, "--only", "leanest") == ["given", "leanest"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--url", "wss://h/m", "--voice-url", "https://h/v"), "expected --url or --voice-url, got both"),
        (("--url", "wss://h/m"), "expected --model-port"),
        (("--pid", f"me={os.getpid()}"), "expected --pid only with"),
    ],
)
def test_contradictions_are_named(words: tuple[str, ...], said: str) -> None:
    """With what to do."""
    with pytest.raises(ValueError, match=said):
        chosen(*words)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--calls", "10,x"), "expected numbers of calls such as 10,30, got '10,x'"),
        (("--calls", "0"), "expected numbers of calls"),
        (("--only", "trunkline,else"), "expected some of trunkline, leanest"),
        (("--barge-ins", "2"), "expected a share from 0 to 1, got 2"),
        (("--seconds", "0"), "expected seconds above 0, got 0"),
        (("--runs", "0"), "expected a number above 0, got '0'"),
        (("--url", "https://h"), "expected ws(s)://"),
        (("--voice-url", "wss://h"), "expected http(s)://"),
        (("--pid", "me"), "expected NAME=PID, got 'me'"),
        (("--pid", "me=999999999"), "expected the id of a process that runs"),
    ],
)
def test_wrong_arguments_are_named(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was expected, what came; code 2."""
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(words)
    assert ended.value.code == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_the_sweep_is_the_one_of_the_page() -> None:
    """Without arguments."""
    defaults = parser().parse_args([])
    assert (defaults.calls, defaults.seconds, defaults.runs) == ([10, 30, 100, 200], 30.0, 1)
    assert defaults.out == Path(".build/bench")


def test_a_given_server_is_told_to_the_callers() -> None:
    """With the processes whose CPU is counted."""
    me = os.getpid()
    words = ["--voice-url", "https://h/v", "--auth-token", "t", "--pid", f"me={me}"]
    given = _given(parser().parse_args(words))
    assert given is not None
    assert given.callers == ("--voice-url", "https://h/v", "--auth-token", "t")
    assert given.pids == {"me": me}
    assert _given(parser().parse_args([])) is None
