"""The command line of `make bench`.

Why it exists: the same sitting must be repeatable by anybody, in a few words. Owns: arguments, progress, the
files, the exit code (1: a system was left out or the yardstick was none; 2: wrong arguments; targets that are
missed are named, and change nothing about it). Must not know: how a load is made or judged.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import uvloop

from console.stack.ports import free_port, is_free
from proofs.bench import order, plots, report, targets
from proofs.bench.judging import Figures
from proofs.bench.medians import Row, fat_yardsticks, rows
from proofs.bench.peers import venvs
from proofs.bench.process import REPOSITORY
from proofs.bench.sitting import FAILURES, Shape, load
from proofs.bench.systems import VENVS, Running, Setting


def parser() -> argparse.ArgumentParser:
    """Of the command line."""
    made = argparse.ArgumentParser(
        prog="make bench",
        description="Calls of a real conversation's shape against a Media Streams server: what the caller"
        " hears, what it costs. Load generator and model run in processes of their own. Run it alone.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    made.add_argument(
        "--calls", type=_numbers, default="10,30,100,200", help="calls at once, one after another"
    )
    made.add_argument("--seconds", type=_positive, default=30.0, help="length of each call, s")
    made.add_argument(
        "--runs", type=_count, default=1, help="of each load; medians are shown (5 for the record)"
    )
    made.add_argument(
        "--compare", action="store_true", help="all systems in turn: " + ", ".join(order.SYSTEMS)
    )
    made.add_argument(
        "--only",
        type=_systems,
        help=f"these systems, separated by commas; {order.UNWATCHED}: Trunkline without diagnostics,"
        f" {order.RECORDED}: with a recording of each call, {order.VIEWED}: with its console in three tabs,"
        f" {', '.join(order.CLUSTER)}: on a Redis Cluster, with so many lanes",
    )
    made.add_argument("--barge-ins", type=_share, default=0.25, help="share of replies that are interrupted")
    made.add_argument("--seed", type=int, default=1, help="of callers and model")
    made.add_argument("--out", type=Path, default=Path(".build/bench"), help="folder of what is written")
    given = made.add_argument_group("a server of your own, which runs already, instead of Trunkline")
    given.add_argument("--url", type=_stream_url, help="its Media Streams socket, ws(s)://…")
    given.add_argument("--voice-url", type=_voice_url, help="its voice webhook, if it has one, http(s)://…")
    given.add_argument("--auth-token", default="bench", help="signs webhook and handshake")
    given.add_argument(
        "--pid",
        type=_pid,
        action="append",
        default=[],
        metavar="NAME=PID",
        help="a process of it; repeatable",
    )
    given.add_argument("--model-port", type=int, default=0, help="port of the model; 0: a free one")
    return made


def systems(arguments: argparse.Namespace) -> list[str]:
    """Which systems are asked for. Raises ValueError when what is asked for contradicts itself."""
    has_given = bool(arguments.url or arguments.voice_url)
    if arguments.url and arguments.voice_url:
        raise ValueError("expected --url or --voice-url, got both; the webhook's TwiML names the socket")
    if has_given and not arguments.model_port:
        raise ValueError(
            "expected --model-port with a server of your own, got none; point that server's model at"
            " http://127.0.0.1:PORT/v1 and name the port"
        )
    if arguments.pid and not has_given:
        raise ValueError("expected --pid only with --url or --voice-url, got it alone")
    if arguments.only is not None:
        chosen = list(arguments.only)
    else:
        chosen = list(order.SYSTEMS) if arguments.compare else ["trunkline"]
        if has_given:
            chosen.remove("trunkline")
    return [order.GIVEN, *chosen] if has_given else chosen


def main() -> int:
    """The command."""
    made = parser()
    arguments = made.parse_args()
    try:
        chosen = systems(arguments)
    except ValueError as error:
        made.error(str(error))
    if arguments.model_port and not is_free(arguments.model_port):
        made.error(f"--model-port: expected a free port, got {arguments.model_port}, which is taken")
    try:
        return uvloop.run(_sit(arguments, chosen))
    except KeyboardInterrupt:
        print(
            "make bench: ended by Ctrl-C; nothing runs any more, what was measured is written",
            file=sys.stderr,
        )
        return 130


# Private.


async def _sit(arguments: argparse.Namespace, chosen: Sequence[str]) -> int:
    out: Path = arguments.out if arguments.out.is_absolute() else REPOSITORY / arguments.out
    await asyncio.to_thread(out.mkdir, parents=True, exist_ok=True)
    setting = Setting(
        out=out,
        model_port=arguments.model_port or free_port(),
        progress=_say,
        given=_given(arguments),
    )
    shape = Shape(seconds=arguments.seconds, barge_ins=arguments.barge_ins, seed=arguments.seed)
    turns = list(order.turns(chosen, arguments.calls, arguments.runs))
    figures: list[Figures] = []
    left_out = await _without_environment(chosen, setting)
    for number, turn in enumerate(turns, 1):
        if turn.system in left_out:
            continue
        what = f"{turn.system}, {turn.calls} calls of {shape.seconds:g} s, run {turn.run}"
        _say(f"{number} of {len(turns)}: {what}")
        try:
            found = await load(turn, shape, setting)
        except FAILURES as failure:
            left_out[turn.system] = f"{turn.calls} calls, run {turn.run}: {failure}"
            _say(f"  {turn.system} is left out from here on: {failure}")
            continue
        figures.append(found)
        _say(f"  {report.short(found)}")
        # After each load: a sitting takes an hour, and whoever ends it early keeps what there is.
        await asyncio.to_thread(_write, out, figures, _about(arguments), left_out)
    await asyncio.to_thread(_write, out, figures, _about(arguments), left_out)
    return _conclude(rows(figures), left_out, out)


async def _without_environment(chosen: Sequence[str], setting: Setting) -> dict[str, str]:
    """Makes the environments of peers before anything is measured; returns who has none, and why."""
    left_out = {}
    for system in chosen:
        if system in venvs.PEERS:
            try:
                await venvs.python_of(system, VENVS, setting.progress)
            except venvs.NotInstalled as failure:
                left_out[system] = str(failure)
                _say(f"{system} is left out: {failure}")
    return left_out


def _write(
    out: Path,
    figures: Sequence[Figures],
    about: Mapping[str, object],
    left_out: Mapping[str, str],
) -> None:
    made = rows(figures)
    (out / "bench.json").write_bytes(report.to_json(made, figures, about))
    (out / "bench.md").write_text(report.to_markdown(made, about, left_out, targets.missed(made)), "utf-8")
    if made:
        plots.draw(made, out / "bench.png")


def _conclude(made: Sequence[Row], left_out: Mapping[str, str], out: Path) -> int:
    fat = fat_yardsticks(made)
    for line in fat:
        _say(f"the yardstick is not lean: {line}")
    for system, why in left_out.items():
        _say(f"left out: {system}: {why.splitlines()[0]}")
    asked, missed = targets.asked_of(made), targets.missed(made)
    for line in missed:
        _say(f"missed: {line}")
    if asked:
        _say(f"{asked - len(missed)} of {asked} targets reached")
    _say(f"written: {out}/bench.md, bench.json, bench.png")
    return 1 if fat or left_out else 0


def _about(arguments: argparse.Namespace) -> dict[str, object]:
    return {
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        "seconds a call": arguments.seconds,
        "runs": arguments.runs,
        "replies interrupted": arguments.barge_ins,
        "seed": arguments.seed,
    }


def _given(arguments: argparse.Namespace) -> Running | None:
    if arguments.url:
        where = ("--url", arguments.url)
    elif arguments.voice_url:
        where = ("--voice-url", arguments.voice_url)
    else:
        return None
    return Running(callers=(*where, "--auth-token", arguments.auth_token), pids=dict(arguments.pid))


def _say(line: str) -> None:
    print(line, flush=True)


def _numbers(text: str) -> list[int]:
    parts = text.split(",")
    if not all(part.isdigit() and int(part) for part in parts):
        raise argparse.ArgumentTypeError(f"expected numbers of calls such as 10,30, got {text!r}")
    return [int(part) for part in parts]


def _count(text: str) -> int:
    if not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text!r}")
    return int(text)


def _systems(text: str) -> list[str]:
    parts = list(dict.fromkeys(text.split(",")))
    known = (*order.SYSTEMS, *order.VARIANTS)
    unknown = [part for part in parts if part not in known]
    if unknown:
        raise argparse.ArgumentTypeError(f"expected some of {', '.join(known)}, got {unknown[0]!r}")
    return parts


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"expected a share from 0 to 1, got {text}")
    return value


def _positive(text: str) -> float:
    value = float(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"expected seconds above 0, got {text}")
    return value


def _pid(text: str) -> tuple[str, int]:
    name, equals, number = text.partition("=")
    if not (name and equals and number.isdigit()):
        raise argparse.ArgumentTypeError(f"expected NAME=PID, got {text!r}")
    if not Path(f"/proc/{number}").exists():
        raise argparse.ArgumentTypeError(f"expected the id of a process that runs, got {number}")
    return name, int(number)


def _stream_url(text: str) -> str:
    if urlsplit(text).scheme not in ("ws", "wss"):
        raise argparse.ArgumentTypeError(f"expected ws(s)://…, got {text!r}; a webhook goes with --voice-url")
    return text


def _voice_url(text: str) -> str:
    if urlsplit(text).scheme not in ("http", "https"):
        raise argparse.ArgumentTypeError(f"expected http(s)://…, got {text!r}; a socket goes with --url")
    return text
