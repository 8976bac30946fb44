"""Which errors of Redis pass: by their first word, on their own or as the reason of an aborted
transaction."""

from __future__ import annotations

import pytest

from shared.store import refusals
from shared.store.refusals import RefusedWrites, ReplyError


@pytest.mark.parametrize(
    ("text", "word", "passes"),
    [
        (
            "OOM command not allowed when used memory > 'maxmemory'. script: x, on @user_script:8.",
            "OOM",
            True,
        ),
        ("MISCONF Redis is configured to save RDB snapshots", "MISCONF", True),
        ("NOREPLICAS Not enough good replicas to write.", "NOREPLICAS", True),
        ("READONLY You can't write against a read only replica.", "READONLY", True),
        ("LOADING Redis is loading the dataset in memory", "LOADING", True),
        ("BUSY Redis is busy running a script.", "BUSY", True),
        ("EXECABORT Transaction discarded because of: OOM command not allowed", "OOM", True),
        ("EXECABORT Transaction discarded because of previous errors.", "EXECABORT", False),
        ("WRONGTYPE Operation against a key holding the wrong kind of value", "WRONGTYPE", False),
        ("BUSYGROUP Consumer Group name already exists", "BUSYGROUP", False),
        ("ERR unknown command 'OOM'", "ERR", False),
    ],
)
def test_an_error_passes_or_never_does(text: str, word: str, passes: bool) -> None:
    """A bug of ours is no refusal, whatever it mentions."""
    error = ReplyError(text)
    assert (refusals.word_of(error), refusals.passes(error)) == (word, passes)


def test_a_whole_transaction_is_refused() -> None:
    """Also by a server that does not say EXECABORT; a list of answers is none, whatever stands in it."""
    oom = ReplyError("OOM command not allowed")
    assert refusals.is_abort(ReplyError("EXECABORT Transaction discarded because of previous errors."))
    assert refusals.is_abort(oom)
    assert not refusals.is_abort(ReplyError("ERR EXEC without MULTI"))
    assert not refusals.is_abort([oom])


def test_what_is_forbidden_may_be_asked_again_where_nothing_was_done() -> None:
    """A script that was stopped on its way has done some; a key's name proves nothing."""
    assert refusals.is_forbidden(ReplyError("NOPERM User w has no permissions to run the 'xadd' command"))
    assert refusals.is_forbidden(ReplyError("NOPERM No permissions to access a key"))
    assert not refusals.is_forbidden(
        ReplyError("NOPERM ACL failure in script: No permissions to access a key")
    )
    assert not refusals.is_forbidden(ReplyError("ERR ACL failure in script: No permissions to access a key"))
    assert not refusals.is_forbidden(ReplyError("ERR unknown command 'NOPERM'"))
    assert not refusals.is_forbidden(b"NOPERM")


def test_of_two_refusals_the_older_counts() -> None:
    """There may be one of a server, and one of a key."""
    one, other = RefusedWrites(2.0, "OOM", "OOM x"), RefusedWrites(1.0, "NOPERM", "NOPERM x")
    assert refusals.older(one, other) is refusals.older(other, one) is other
    assert refusals.older(None, one) is refusals.older(one, None) is one
    assert refusals.older(None, None) is None


def test_the_first_that_asks_for_the_same_again_is_found() -> None:
    """A refusal that passes, or a script that was forgotten; no bug, and no text that looks like one."""
    bug, script = ReplyError("ERR syntax"), ReplyError("NOSCRIPT No matching script")
    assert refusals.first([b"OOM", 1, None, bug]) is None
    assert refusals.first([bug, script]) is script
    assert not refusals.passes(script)
