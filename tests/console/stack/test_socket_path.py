"""Unix socket paths: the limit, the message, the way round."""

from __future__ import annotations

import os
import socket
import stat
import tempfile
from pathlib import Path

import pytest

from console.stack import socket_path


def deep(tmp_path: Path) -> Path:
    folder = tmp_path / ("d" * 100)
    folder.mkdir()
    return folder


def test_the_limit_leaves_room_for_supervisords_own_suffix(tmp_path: Path) -> None:
    """A path of the longest allowed length can be bound with a pid of seven digits behind it."""
    folder = Path(tempfile.mkdtemp(prefix="tl-test-", dir="/tmp"))
    path = folder / ("s" * (socket_path.MAX_BYTES - len(os.fsencode(folder)) - 1))
    with socket.socket(socket.AF_UNIX) as fits, socket.socket(socket.AF_UNIX) as too_long:
        fits.bind(f"{socket_path.checked(path)}.1234567")
        with pytest.raises(OSError, match="too long"):
            too_long.bind(f"{path}x.1234567")
    (folder / f"{path.name}.1234567").unlink()
    folder.rmdir()


def test_a_path_that_is_too_long_says_what_to_do(tmp_path: Path) -> None:
    """Expected, got, and the remedy; bytes count, not letters."""
    with pytest.raises(socket_path.SocketPathTooLong) as caught:
        socket_path.checked(Path("/tmp") / ("א" * 50) / "supervisor.sock")
    assert f"at most {socket_path.MAX_BYTES} bytes" in str(caught.value)
    assert "got 121" in str(caught.value)
    assert "TMPDIR=/tmp" in str(caught.value)


def test_a_short_run_folder_holds_the_socket_itself() -> None:
    """No second folder where none is needed."""
    run_dir = Path("/tmp/tl-short")
    assert socket_path.choose(run_dir) == run_dir / "supervisor.sock"


def test_a_deep_run_folder_gets_a_short_private_folder_for_the_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """0700, and gone after `discard`."""
    monkeypatch.setattr(tempfile, "tempdir", "/tmp")
    run_dir = deep(tmp_path)
    path = socket_path.choose(run_dir)
    assert len(os.fsencode(path)) <= socket_path.MAX_BYTES
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    socket_path.discard(path, run_dir)
    assert not path.parent.exists()


def test_a_deep_temporary_folder_too_is_an_error_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing short is left: say so."""
    run_dir = deep(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(run_dir))
    with pytest.raises(socket_path.SocketPathTooLong):
        socket_path.choose(run_dir)
    assert list(run_dir.iterdir()) == []
