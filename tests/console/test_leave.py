"""How commands leave: one line on stderr, an exit code, no traceback."""

from __future__ import annotations

import ssl

import pytest
import typer
from redis.exceptions import AuthenticationError, RedisClusterException
from redis.exceptions import ConnectionError as RedisConnectionError

from console import leave
from shared.exit_codes import Exit


def test_a_complaint_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    """Stdout is for results."""
    leave.complain("not now")
    assert capsys.readouterr() == ("", "trunkline: not now\n")


def test_a_failure_leaves_with_its_code(capsys: pytest.CaptureFixture[str]) -> None:
    """1, if no other is given."""
    with pytest.raises(typer.Exit) as left:
        leave.fail("broken")
    assert left.value.exit_code == Exit.FAILED
    with pytest.raises(typer.Exit) as left:
        leave.fail("wrong", Exit.USAGE)
    assert left.value.exit_code == Exit.USAGE
    assert capsys.readouterr().err == "trunkline: broken\ntrunkline: wrong\n"


def test_a_wrong_setting_leaves_with_its_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Code 3, as of the roles."""
    monkeypatch.setenv("TRUNKLINE_LEAD_MS", "7")
    with pytest.raises(typer.Exit) as left:
        leave.load_settings()
    assert left.value.exit_code == Exit.SETTINGS
    assert "TRUNKLINE_LEAD_MS" in capsys.readouterr().err


def test_the_redis_that_is_given_goes_before_that_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings need not even be right then."""
    monkeypatch.setenv("REDIS_URL", "redis://settings:6379/0")
    assert leave.redis_url("redis://given:6379/0") == "redis://given:6379/0"
    assert leave.redis_url("") == "redis://settings:6379/0"


def test_a_url_of_the_environment_that_is_none_leaves(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the variable's name: nobody has typed it just now."""
    monkeypatch.setenv("REDIS_URL", "redis://host:port/0")
    with pytest.raises(typer.Exit) as left:
        leave.redis_url("")
    assert left.value.exit_code == Exit.SETTINGS
    assert capsys.readouterr().err.startswith("trunkline: REDIS_URL: expected a URL such as")


NOT_TRUSTED = RedisConnectionError("Error 1 connecting to h:6379.")
NOT_TRUSTED.__cause__ = ssl.SSLCertVerificationError("certificate verify failed: self-signed certificate")
NOT_LET_IN = RedisClusterException("Redis Cluster cannot be connected.")
NOT_LET_IN.__cause__ = AuthenticationError("invalid username-password pair")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RedisConnectionError("refused"), "Redis does not answer (refused). Is REDIS_URL right?"),
        (NOT_TRUSTED, "Redis does not answer (its certificate is signed by nobody that this host trusts"),
        (NOT_LET_IN, "Redis does not answer (invalid username-password pair). Is REDIS_URL right?"),
        (LookupError("no such call"), "no such call"),
    ],
)
def test_what_goes_wrong_outside_is_one_line(
    error: Exception, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A Redis that is away, a call that is not there."""
    with pytest.raises(typer.Exit) as left, leave.instead_of_traceback():
        raise error
    assert left.value.exit_code == Exit.FAILED
    assert capsys.readouterr().err.startswith(f"trunkline: {said}")


def test_our_own_faults_keep_their_traceback() -> None:
    """A bug is not hidden behind a line."""
    with pytest.raises(ZeroDivisionError), leave.instead_of_traceback():
        raise ZeroDivisionError
