"""Which refusal is of one key, and which of the whole user."""

from __future__ import annotations

import pytest
from redis.exceptions import NoPermissionError, ResponseError

from shared.store.errors import is_of_the_key

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
