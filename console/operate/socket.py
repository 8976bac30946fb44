"""Which supervisord a command speaks to: the one of deploy/, or another by its file or its socket.

Owns: reading the socket's path, and that of the public port, from a supervisord file. Must not know: what is
asked of it.
"""

from __future__ import annotations

import configparser
import os
import re
from pathlib import Path

from console.stack.plan import DEPLOY

DEFAULT_CONFIG = DEPLOY / "supervisord.conf"
SECTION, OPTION = "unix_http_server", "file"
_EXPANDED = re.compile(r"%\(ENV_([A-Z_]+)\)s")


class NoSocket(Exception):
    """The file does not say where supervisord listens; the text says what was expected."""


def find(config: Path | None = None, socket: Path | None = None) -> Path:
    """The socket that is given, else that of `config`, else that of deploy/supervisord.conf.

    Raises NoSocket. Whether anybody listens there is not looked at.
    """
    if socket is not None:
        return socket
    file = config or DEFAULT_CONFIG
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";",), strict=False)
    try:
        parser.read_string(file.read_text("utf-8"))
        text = parser.get(SECTION, OPTION)
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise NoSocket(
            f"expected a supervisord file with [{SECTION}] and {OPTION} = …, got {file}: {reason}."
            " Give the file with --config, or the socket with --socket."
        ) from None
    # supervisord's own word for the folder of its file.
    return Path(text.replace("%(here)s", str(file.absolute().parent)))


def public_socket(config: Path | None = None) -> str:
    """The public socket, as `tcp://0.0.0.0:8080`; empty if the files do not say."""
    file = config or DEFAULT_CONFIG
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";",), strict=False)
    try:
        environment = _read(parser, file)
        for included in parser.get("include", "files", fallback="").split():
            environment += _read(parser, file.parent / included)
        text = parser.get("program:port", "command").split()[-1]
    except (OSError, UnicodeDecodeError, configparser.Error):
        return ""  # What is wrong with the file is told where its socket is looked for.
    given = {**os.environ, **dict(re.findall(r'([A-Z_]+)="([^"]*)"', environment))}
    return _EXPANDED.sub(lambda found: given.get(found[1], ""), text)


# Private.


def _read(parser: configparser.RawConfigParser, file: Path) -> str:
    """Adds a file; returns the environment that it sets, which the next one may set again."""
    parser.read_string(file.read_text("utf-8"), str(file))
    found = parser.get("supervisord", "environment", fallback="")
    if parser.has_option("supervisord", "environment"):
        parser.remove_option("supervisord", "environment")
    return f"{found}\n"
