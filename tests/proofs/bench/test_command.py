"""The command line of `make bench`."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from proofs.bench import command
from proofs.bench.command import _given, _sit, parser, systems
from proofs.bench.judging import Figures
from proofs.bench.order import SYSTEMS, Turn
from proofs.bench.peers import venvs
from proofs.bench.systems import SystemFailed

Sit = Callable[..., Awaitable[tuple[int, list[Turn]]]]


def chosen(*words: str) -> list[str]:
    return systems(parser().parse_args(words))


def test_what_is_measured_follows_from_what_is_asked() -> None:
    """Trunkline alone, all, some, or a server of the user's own in its place."""
    assert chosen() == ["trunkline"]
    assert chosen("--compare") == list(SYSTEMS)
    assert chosen("--only", "sample,leanest,sample") == ["sample", "leanest"]
    assert chosen("--only", "trunkline,unwatched") == ["trunkline", "unwatched"]
    assert chosen("--only", "trunkline,cluster64") == ["trunkline", "cluster64"]
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


@pytest.fixture
def sit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Sit:
    """A sitting whose loads cost what they are told to, or fail; returns exit code and loads."""

    async def run(costs: dict[str, float | None], *words: str) -> tuple[int, list[Turn]]:
        turns: list[Turn] = []

        async def load(turn: Turn, *_: object) -> Figures:
            turns.append(turn)
            cost = costs[turn.system]
            if cost is None:
                raise SystemFailed(f"{turn.system}: expected it to listen, got its end")
            return Figures(system=turn.system, calls=turn.calls, run=turn.run, cpu_ms={"x": cost})

        monkeypatch.setattr(command, "load", load)
        arguments = parser().parse_args([*words, "--out", str(tmp_path)])
        return await _sit(arguments, systems(arguments)), turns

    return run


async def test_a_sitting_writes_its_figures(sit: Sit, tmp_path: Path) -> None:
    """Three files, and 0 when nothing was left out."""
    code, turns = await sit({"leanest": 7.0, "sample": 10.0}, "--only", "leanest,sample", "--calls", "5")
    assert (code, len(turns)) == (0, 2)
    assert _names(tmp_path) == ["bench.json", "bench.md", "bench.png"]


async def test_a_system_that_fails_is_left_out_and_the_rest_goes_on(sit: Sit, tmp_path: Path) -> None:
    """It is not tried again, and the code says so."""
    words = ("--only", "leanest,sample", "--calls", "5,6", "--runs", "2")
    code, turns = await sit({"leanest": None, "sample": 10.0}, *words)
    assert code == 1
    assert [turn.system for turn in turns].count("leanest") == 1
    assert [turn.system for turn in turns].count("sample") == 4
    assert "left out: the leanest bridge. 5 calls, run 1: leanest: expected" in _text(tmp_path / "bench.md")


async def test_a_fat_yardstick_is_a_failure(sit: Sit) -> None:
    """What is held against it would look better than it is."""
    code, _ = await sit({"leanest": 9.0, "sample": 10.0}, "--only", "leanest,sample", "--calls", "5")
    assert code == 1


async def test_a_peer_without_an_environment_is_left_out_from_the_start(
    sit: Sit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is measured."""

    async def fails(name: str, *_: object) -> Path:
        raise venvs.NotInstalled(f"{name}: expected pip install to end well, got code 1")

    monkeypatch.setattr(venvs, "python_of", fails)
    code, turns = await sit({"leanest": 7.0}, "--only", "agents,leanest", "--calls", "5")
    assert (code, [turn.system for turn in turns]) == (1, ["leanest"])


# Private.


def _text(path: Path) -> str:
    return path.read_text("utf-8")


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
