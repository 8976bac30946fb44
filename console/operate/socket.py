"""Which supervisord a command speaks to: the one of deploy/, or another by its file or its socket.

Owns: reading the socket's path from a supervisord file. Must not know: what is asked of it.
"""

from __future__ import annotations

import configparser
from pathlib import Path

from console.stack.plan import DEPLOY

DEFAULT_CONFIG = DEPLOY / "supervisord.conf"
SECTION, OPTION = "unix_http_server", "file"


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
