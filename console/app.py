"""The `trunkline` command line: its commands and their options.

Owns: names, options and help texts. Must not know: how a command does its work. The demo is imported when it
is played: it needs packages that only its extra installs.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from console import keys_table, leave, settings_table
from console.archive import commands as archive_commands
from console.calls import commands as call_commands
from console.interrupts import SIGNAL_EXIT_BASE
from console.interrupts import run as run_interruptible
from console.listen import commands as listen_commands
from console.operate import commands as operate_commands
from console.options import AsJson, RedisUrl
from console.recorder import commands as recorder_commands
from console.stack.foreground import run_in_foreground
from console.style import make_console
from console.trial import commands as trial_commands
from console.web import commands as web_commands
from shared import VERSION
from shared.exit_codes import Exit
from shared.store.client import make_store

app = typer.Typer(
    name="trunkline",
    help="Telephone calls (Twilio Media Streams) to a speech-to-speech model (OpenAI Realtime) and back.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)

RunDir = Annotated[
    Path | None,
    typer.Option(
        "--run-dir", help="Folder for logs and the supervisor socket.", show_default="below .build/run"
    ),
]


def main() -> None:
    """Entry point of the `trunkline` command."""
    app()


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
) -> None:
    # No docstring: it would stand in the help in place of the application's own.
    if version:
        typer.echo(f"trunkline {VERSION}")
        raise typer.Exit


@app.command()
def demo(
    language: Annotated[
        Literal["en", "he"], typer.Option(help="Language of the simulated conversation.")
    ] = "en",
    output: Annotated[Path, typer.Option(help="Folder for the recording and the picture.")] = Path(
        "demo-output"
    ),
    run_dir: RunDir = None,
) -> None:
    """Plays one call through the whole pipeline, shows it live and checks what the caller heard."""
    settings = leave.load_settings()
    try:
        from console.demo.play import play  # noqa: PLC0415 - needs the packages of the extra `demo`
    except ImportError as error:
        leave.fail(f"the demo needs the packages of the extra `demo` ({error}): pip install -e '.[demo]'")
    raise typer.Exit(run_interruptible(play(settings, language, output, run_dir)))


@app.command()
def run(run_dir: RunDir = None) -> None:
    """Runs the whole stack on this machine until Ctrl-C, and says what to do with it."""
    code = run_interruptible(run_in_foreground(leave.load_settings(), run_dir))
    # A signal is how this command is meant to end.
    raise typer.Exit(Exit.OK if code > SIGNAL_EXIT_BASE else code)


@app.command()
def settings(
    as_json: AsJson = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="As the README has it.")] = False,
) -> None:
    """Every setting: its variable, the value in effect here, where that comes from, its meaning."""
    if markdown:
        typer.echo(settings_table.markdown(), nl=False)
        return
    in_effect = leave.settings_in_effect()
    if as_json:
        typer.echo(json.dumps(settings_table.as_data(in_effect), ensure_ascii=False, indent=2))
    else:
        make_console().print(settings_table.table(in_effect))
    # Shown all the same: what is wrong is easier to see beside the rest.
    leave.load_settings()


agents_app = typer.Typer(
    name="agents", help="The agents by called number (agents.toml).", no_args_is_help=True
)
app.add_typer(agents_app)


@agents_app.command()
def check(
    file: Annotated[
        Path | None, typer.Argument(help="An agents file.", show_default="that of the settings")
    ] = None,
    as_json: AsJson = False,
    live: Annotated[
        bool, typer.Option("--live", help="Open a session with the model for each agent, too, and close it.")
    ] = False,
) -> None:
    """Lists the agents as a brain would have them, or says what is wrong in the file, key by key."""
    words = [*(["--json"] if as_json else []), *(["--live"] if live else [])]
    raise typer.Exit(_ask_brain([*([str(file)] if file is not None else []), *words]))


@agents_app.command()
def example() -> None:
    """Prints an agents file to start from."""
    raise typer.Exit(_ask_brain(["--example"]))


@app.command()
def keys(
    as_json: AsJson = False,
    redis_url: RedisUrl = "",
) -> None:
    """Every kind of Redis key, what it is for, and how much is there now."""
    url = leave.redis_url(redis_url)
    with leave.instead_of_traceback():
        sizes = asyncio.run(_measure(url))
    if as_json:
        typer.echo(json.dumps(keys_table.as_data(sizes), ensure_ascii=False, indent=2))
    else:
        make_console().print(keys_table.table(sizes))


trial_commands.register(app)
call_commands.register(app)
operate_commands.register(app)
archive_commands.register(app)
recorder_commands.register(app)
listen_commands.register(app)
web_commands.register(app)


# Private.


def _ask_brain(arguments: list[str]) -> int:
    """The process that reads the file judges it: the console knows nothing of the inside of a role."""
    return subprocess.run([sys.executable, "-m", "brain.agents.check", *arguments], check=False).returncode


async def _measure(redis_url: str) -> list[keys_table.KindSize]:
    store = make_store(redis_url, name="console", timeout_s=5.0)
    try:
        return await keys_table.measure(store)
    finally:
        await store.aclose()
