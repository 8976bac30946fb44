"""The command `trunkline web`: the web console in the foreground.

Owns: its options, what a wrong set-up ends it with. Must not know: pages.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from console import leave
from console.archive.shelf import ShelfError
from console.interrupts import SIGNAL_EXIT_BASE
from console.interrupts import run as run_interruptible
from console.options import RedisUrl
from console.web import server
from shared.exit_codes import Exit
from shared.logs.log import configure, get_log
from shared.process.exits import exit_of
from shared.process.host import end_with_supervisord
from shared.settings import SettingsError


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(name="web")(web)


def web(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Another port than TRUNKLINE_WEB_PORT.", show_default="8081")
    ] = 0,
    redis_url: RedisUrl = "",
) -> None:
    """The web console: live calls, one call, the fleet, past calls. On this host alone, unless it is set
    otherwise."""
    settings = leave.load_settings()
    if port:
        settings = settings.model_copy(update={"web_port": port})
    end_with_supervisord()
    writer = configure(settings.log_level, settings.log_format, sys.stdout)
    try:
        with leave.instead_of_traceback():
            code = run_interruptible(server.serve(settings, leave.redis_url(redis_url), get_log(role="web")))
    except SettingsError as error:
        leave.fail(str(error), exit_of(error))
    except ShelfError as error:
        leave.fail(str(error), Exit.SETTINGS)
    finally:
        writer.close()
    # A signal is how it is meant to end.
    raise typer.Exit(Exit.OK if code > SIGNAL_EXIT_BASE else code)
