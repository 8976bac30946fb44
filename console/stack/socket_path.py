"""Where supervisord's Unix socket goes, given that its path may be about 107 bytes long.

Owns: the limit, its check and the choice of a short folder. Must not know: what is spoken over it.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

SUN_PATH_BYTES = 104 if sys.platform == "darwin" else 108
"""Size of `sockaddr_un.sun_path`, its closing zero included."""

PID_SUFFIX_BYTES = 8
"""supervisord binds `<path>.<pid>` first and then links it to its name; pids have up to 7 digits."""

MAX_BYTES = SUN_PATH_BYTES - 1 - PID_SUFFIX_BYTES
SOCKET_NAME = "supervisor.sock"


class SocketPathTooLong(Exception):
    """The path of a Unix socket does not fit into the operating system's field for it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.length_bytes = len(os.fsencode(path))
        super().__init__(
            f"expected a Unix socket path of at most {MAX_BYTES} bytes (the system takes"
            f" {SUN_PATH_BYTES - 1}, supervisord adds its pid), got {self.length_bytes}: {path}."
            " Use a shorter folder: set TMPDIR=/tmp, or give a shorter run folder"
        )


def checked(path: Path) -> Path:
    """`path` itself if a supervisord can listen on it. Raises SocketPathTooLong."""
    if len(os.fsencode(path)) > MAX_BYTES:
        raise SocketPathTooLong(path)
    return path


def choose(run_dir: Path) -> Path:
    """A socket path in the run folder; in a fresh temporary folder (0700) if the run folder lies too deep.

    Raises SocketPathTooLong if that does not help either.
    """
    path = run_dir.absolute() / SOCKET_NAME
    if len(os.fsencode(path)) <= MAX_BYTES:
        return path
    folder = Path(tempfile.mkdtemp(prefix="tl-"))
    try:
        return checked(folder / SOCKET_NAME)
    except SocketPathTooLong:
        shutil.rmtree(folder)
        raise


def discard(path: Path, run_dir: Path) -> None:
    """Removes the temporary folder that `choose` made, if it made one."""
    if path.parent != run_dir.absolute():
        shutil.rmtree(path.parent, ignore_errors=True)
