"""Finding supervisord's socket."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.operate.socket import NoSocket, find, public_socket
from console.stack.plan import DEPLOY


def test_by_default_that_of_deploy() -> None:
    """As supervisord.conf has it."""
    assert find() == DEPLOY / "run" / "supervisor.sock"


def test_a_socket_wins() -> None:
    """It is taken as it is."""
    assert find(Path("no-such-file"), Path("/run/x.sock")) == Path("/run/x.sock")


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    """%(here)s is its folder; comments and other expansions do not matter."""
    file = tmp_path / "other.conf"
    file.write_text(
        "[unix_http_server]\nfile = %(here)s/a.sock ; mine\n[program:x]\ncommand=%(ENV_X)s\n", "utf-8"
    )
    assert find(file) == tmp_path / "a.sock"


@pytest.mark.parametrize("text", ["", "[unix_http_server]\n", "no ini file"])
def test_a_file_without_a_socket(tmp_path: Path, text: str) -> None:
    """The error names the file and says what to give."""
    file = tmp_path / "wrong.conf"
    file.write_text(text, "utf-8")
    with pytest.raises(NoSocket, match=r"wrong\.conf.*--config"):
        find(file)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """Said as such."""
    with pytest.raises(NoSocket, match="No such file"):
        find(tmp_path / "none.conf")


def test_the_public_socket_of_deploy() -> None:
    """By the file that an operator edits."""
    assert public_socket() == "tcp://0.0.0.0:8080"


def test_the_public_socket_of_a_file_of_ones_own(tmp_path: Path) -> None:
    """Written out, as a launcher does; or nowhere."""
    file = tmp_path / "own.conf"
    file.write_text("[program:port]\ncommand = python -m x tcp://127.0.0.1:9090 ; mine\n", "utf-8")
    assert public_socket(file) == "tcp://127.0.0.1:9090"
    file.write_text("[program:other]\ncommand = x\n", "utf-8")
    assert public_socket(file) == ""
    assert public_socket(tmp_path / "none.conf") == ""
