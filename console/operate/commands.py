"""The commands that look after processes: `top`, `roll`, `doctor`; their options and help texts.

Owns: names and options of these, and how each one's result becomes output and an exit code. Must not know:
how they do their work.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from console import leave
from console.calls.ending import Means
from console.doctor import facts, findings
from console.interrupts import run as run_interruptible
from console.operate import socket as supervisor_socket
from console.operate.roll import Roll, RollStopped, Told
from console.options import AsJson, RedisUrl, Role
from console.stack.readiness import live_calls, why_not_ready
from console.stack.supervision import SUPERVISOR_ERRORS, Supervisor
from console.style import BRIDGE, DIM, GOOD, make_console
from console.top import screen
from shared.exit_codes import Exit

READY_WITHIN_S = 60.0

Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="supervisord's file.", show_default="deploy/supervisord.conf"),
]
Socket = Annotated[Path | None, typer.Option("--socket", help="supervisord's socket, instead of its file.")]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command(name="top")(top)
    app.command(name="roll")(roll)
    app.command(name="doctor")(doctor)


def top(
    once: Annotated[bool, typer.Option("--once", help="Print one screen and leave.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One snapshot for programs.")] = False,
    interval: Annotated[float, typer.Option(min=0.1, max=60, help="Seconds between two looks.")] = 1.0,
    redis_url: RedisUrl = "",
) -> None:
    """All calls and workers on one screen; keys sort, filter, open, hang up, drain (? lists them)."""
    url = leave.redis_url(redis_url)
    if once or as_json:
        shown = screen.once(url, as_data=as_json)
    else:
        shown = screen.run(url, interval, Means.of(leave.load_settings()))
    with leave.instead_of_traceback():
        code = run_interruptible(shown)
    raise typer.Exit(code)


def roll(
    role: Role = "",
    config: Config = None,
    socket: Socket = None,
    timeout: Annotated[
        float, typer.Option(min=1, help="Seconds in which a restarted process must be ready.")
    ] = READY_WITHIN_S,
    force: Annotated[
        bool, typer.Option("--force", help="A role's only process too: its calls wait.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Restarts this host's processes one by one, each while its siblings are ready."""
    settings = leave.load_settings()
    console = make_console()

    def tell(told: Told) -> None:
        if as_json:
            print(json.dumps(asdict(told), ensure_ascii=False), flush=True)
            return
        style = {"ready": GOOD, "done": GOOD, "draining": BRIDGE}.get(told.event, DIM)
        console.print(f"[{style}]{told.process or 'roll':<10}[/] {escape(told.text)}", soft_wrap=True)

    path = _find_socket(config, socket)
    work = Roll(
        supervisor=Supervisor(path),
        why_not_ready=lambda role, number: why_not_ready(settings.admin_port(role, number)),
        live_calls=lambda role, number: live_calls(settings.admin_port(role, number)),
        tell=tell,
        timeout_s=timeout,
    )

    async def main() -> int:
        await work.run(role, force=force)
        return Exit.OK

    try:
        raise typer.Exit(run_interruptible(main()))
    except RollStopped as error:
        if as_json:
            tell(Told(event="stopped", text=str(error)))
        leave.fail(str(error))
    except SUPERVISOR_ERRORS as error:
        leave.fail(_no_supervisor(path, error))


def doctor(
    offline: Annotated[
        bool, typer.Option("--offline", help="Leave out the public URL and the model.")
    ] = False,
    config: Config = None,
    socket: Socket = None,
    as_json: AsJson = False,
) -> None:
    """Looks at all that calls need and says what to do about what is wrong. Makes no call."""
    asked = facts.Asked(
        socket=_find_socket(config, socket),
        public_socket="" if socket is not None else supervisor_socket.public_socket(config),
        offline=offline,
    )
    found = asyncio.run(facts.examine(asked))
    if as_json:
        print(findings.as_json(found))
    else:
        findings.show(found, make_console())
    raise typer.Exit(findings.exit_code(found))


# Private.


def _find_socket(config: Path | None, socket: Path | None) -> Path:
    try:
        return supervisor_socket.find(config, socket)
    except supervisor_socket.NoSocket as error:
        leave.fail(str(error), Exit.USAGE)


def _no_supervisor(socket: Path, error: BaseException) -> str:
    return (
        f"expected supervisord at {socket}, got: {error}. If it does not run:"
        " .venv/bin/supervisord -c deploy/supervisord.conf. Another one: --config FILE or --socket PATH."
    )
