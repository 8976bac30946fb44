"""What the store raises, in one place.

Why it exists: who asks Redis for something must tell three things apart: Redis is away (wait, ask again),
Redis answers and cannot serve (an operator has to act), the write was never sent (Redis does not keep up).

    Exception
     ├── RedisClusterException      STORE_ERRORS: of redis-py, where nobody has a slot, or no node answers
     ├── RedisError (redis-py)      STORE_ERRORS: a time-out or a refusal of one command
     │    └── LinkLost              the connection is gone, what was under way is unknown
     ├── OSError                    STORE_ERRORS: no connection
     │    └── TimeoutError          STORE_ERRORS: no answer in time
     ├── RedisRefused               Redis cannot serve Trunkline: the process is not ready until it can
     │    ├── RedisLoginRefused     it does not take user and password
     │    └── RedisForbids          its user may not do what Trunkline needs
     └── OutboxFull                 handed to `on_reply`, never raised

Owns: these classes. Must not know: who raises or catches them.
"""

from __future__ import annotations

from redis.exceptions import (
    AskError,
    AuthenticationError,
    ClusterDownError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    ResponseError,
    TryAgainError,
)

from shared.contract.keys import CALL_SID
from shared.store import refusals

STORE_ERRORS = (RedisError, RedisClusterException, OSError, TimeoutError)
"""What a command may raise when Redis is away, slow or refuses."""


_OF_THE_MOMENT = (AskError, ClusterDownError, OutOfMemoryError, ReadOnlyError, TryAgainError)
"""Refusals that redis-py knows, without their first word; MOVED is an AskError there."""


def is_of_the_key(error: Exception, call_sid: str = "") -> bool:
    """Whether Redis is well, and a key holds something else than it must: somebody else has written there.

    `call_sid`: of the call that was asked for. Where somebody wrote a name that is none, its keys may be none
    that a role's user may touch; of a real call that says that its user may not do what it needs.
    """
    said = str(error)
    is_none = bool(call_sid) and CALL_SID.fullmatch(call_sid) is None
    return "WRONGTYPE" in said or (is_none and "ermissions to access" in said)


def is_of_the_moment(error: Exception) -> bool:
    """Whether one of STORE_ERRORS says how a server is (away, not the master, full), and nothing of what was
    asked: the same question may be answered the next time."""
    if not isinstance(error, ResponseError):
        return True
    return isinstance(error, _OF_THE_MOMENT) or str(error).partition(" ")[0] in refusals.PASSING


def refuses(error: BaseException) -> bool:
    """Whether one of STORE_ERRORS is a server's word that it takes no writes, or none of this user's: it is
    there."""
    if isinstance(error, OutOfMemoryError | ReadOnlyError | NoPermissionError):
        return True
    return isinstance(error, ResponseError) and str(error).partition(" ")[0] in refusals.PASSING


def not_let_in(error: BaseException) -> AuthenticationError | NoPermissionError | None:
    """What a server said of user, password or permission, where that is behind one of STORE_ERRORS; else
    None. redis-py's clients of a Cluster and of Sentinels say first that nobody could be asked."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, AuthenticationError | NoPermissionError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return None


class LinkLost(RedisError):
    """The connection is gone; what was under way is *unknown*: it may have been done."""


class RedisRefused(Exception):
    """Redis is there and cannot serve Trunkline; the text says why and what to do."""


class RedisLoginRefused(RedisRefused):
    """Redis takes neither this user nor this password, or wants one where none is given."""


class RedisForbids(RedisRefused):
    """The user may not run commands, or touch keys, that Trunkline needs; the text names them."""


class OutboxFull(Exception):
    """A write that was refused: the outbox has no room for it, or no connection. Given as a reply, never
    raised."""
