"""Which refusal is of one key, which of the whole user, which of the moment."""

from __future__ import annotations

import pytest
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ClusterDownError,
    MasterDownError,
    MovedError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError

from shared.store.errors import is_of_the_key, is_of_the_moment, not_let_in, refuses

CALL = "CA" + "0" * 32
OF_A_KEY = NoPermissionError("this user has no permissions to access one of the keys used as arguments")
IN_A_SCRIPT = ResponseError("ACL failure in script: No permissions to access a key")


@pytest.mark.parametrize(
    ("error", "call_sid", "expected"),
    [
        (ResponseError("WRONGTYPE Operation against a key"), "", True),
        (ResponseError("WRONGTYPE Operation against a key"), CALL, True),
        (OF_A_KEY, "", False),
        (OF_A_KEY, CALL, False),
        (IN_A_SCRIPT, CALL, False),
        (OF_A_KEY, "nonsense", True),
        (IN_A_SCRIPT, "CA1", True),
        (ResponseError("OOM command not allowed"), "nonsense", False),
        (NoPermissionError("this user has no permissions to run the 'get' command"), "nonsense", False),
    ],
)
def test_a_call_that_is_none_is_told_from_a_user_that_may_not(
    error: Exception, call_sid: str, expected: bool
) -> None:
    """Else a user without a pattern would have each call passed over as if it were nobody's."""
    assert is_of_the_key(error, call_sid) == expected


@pytest.mark.parametrize(
    "error",
    [
        TimeoutError(),
        ConnectionRefusedError(),
        RedisConnectionError("Connection closed by server."),
        RedisClusterException("no master of the slot"),
        BusyLoadingError("Redis is loading the dataset in memory"),
        ClusterDownError("The cluster is down"),
        MasterDownError("Link with MASTER is down"),
        MovedError("1 127.0.0.1:7000"),
        ReadOnlyError("You can't write against a read only replica."),
        OutOfMemoryError("command not allowed when used memory > 'maxmemory'."),
        ResponseError("NOREPLICAS Not enough good replicas to write."),
        ResponseError("MISCONF Redis is configured to save RDB snapshots"),
    ],
)
def test_how_a_server_is_says_nothing_of_a_key(error: Exception) -> None:
    """It is away, not the master, full: whatever was asked."""
    assert is_of_the_moment(error)


@pytest.mark.parametrize(
    "error", [OF_A_KEY, IN_A_SCRIPT, ResponseError("WRONGTYPE Operation against a key"), ResponseError("ERR")]
)
def test_what_is_answered_the_same_tomorrow_is_not_of_the_moment(error: Exception) -> None:
    """A key of another type, a user that may not."""
    assert not is_of_the_moment(error)


def test_who_was_not_let_in_is_found_behind_what_is_said_first() -> None:
    """Of a Cluster, redis-py says that no node could be reached."""
    refused = AuthenticationError("invalid username-password pair")
    behind = RedisClusterException("cannot be connected")
    behind.__cause__ = refused
    during = RedisConnectionError("no master")
    during.__context__ = OF_A_KEY
    assert not_let_in(refused) is not_let_in(behind) is refused
    assert not_let_in(during) is OF_A_KEY
    assert not_let_in(RedisConnectionError("refused")) is None


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OutOfMemoryError("command not allowed when used memory > 'maxmemory'."), True),
        (ReadOnlyError("You can't write against a read only replica."), True),
        (ResponseError("NOREPLICAS Not enough good replicas to write."), True),
        (ResponseError("MISCONF Redis is configured to save RDB snapshots"), True),
        (NoPermissionError("this user has no permissions to run the 'get' command"), True),
        (ResponseError("WRONGTYPE Operation against a key"), False),
        (RedisConnectionError("Connection closed by server."), False),
        (TimeoutError(), False),
    ],
)
def test_a_redis_that_refuses_is_told_from_one_that_is_away(error: Exception, expected: bool) -> None:
    """The end of a call names it."""
    assert refuses(error) is expected
