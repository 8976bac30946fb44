"""A PostgreSQL for tests, of Debian's package: a cluster of its own in a folder, gone afterwards.

A test that lacks it skips with a loud reason on a developer's machine and fails in CI, as with Redis.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.servers import free_port, missing

DEBIAN_FOLDER = Path("/usr/lib/postgresql")
"""Debian puts each version's programs in a folder of its own, which is on nobody's PATH."""

NOT_ROOT = "postgres"
"""PostgreSQL refuses to run as root; the package makes this user."""


@contextmanager
def postgres() -> Iterator[str]:
    """The URL of an empty database."""
    folder = _programs()
    user = NOT_ROOT if os.geteuid() == 0 else None
    # Not in pytest's own folder, which is closed to any other user.
    data = Path(tempfile.mkdtemp(prefix="postgres-"))
    if user is not None:
        os.chown(data, pwd.getpwnam(user).pw_uid, -1)
    port = free_port()
    options = f"-c listen_addresses=127.0.0.1 -p {port} -k {data} -F"
    try:
        _run(
            [str(folder / "initdb"), "-D", str(data / "db"), "-U", "test", "-A", "trust", "-E", "UTF8"], user
        )
        start = [str(folder / "pg_ctl"), "-D", str(data / "db"), "-w", "-l", str(data / "log"), "-o", options]
        _run([*start, "start"], user)
        try:
            yield f"postgresql://test@127.0.0.1:{port}/postgres"
        finally:
            _run([str(folder / "pg_ctl"), "-D", str(data / "db"), "-m", "immediate", "stop"], user)
    finally:
        shutil.rmtree(data)


# Private.


def _programs() -> Path:
    """The newest version's folder."""
    found = sorted(DEBIAN_FOLDER.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if not found:
        missing("postgresql")
    return found[-1].parent


def _run(command: list[str], user: str | None) -> None:
    done = subprocess.run(command, user=user, cwd="/", capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stderr or done.stdout}")
