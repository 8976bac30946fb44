"""The model of the scripts, one rule each; tests/shared/ownership holds it against the real ones."""

from __future__ import annotations

import pytest

from proofs.prove.states.ownership.redis import (
    ABSENT,
    DETACHED,
    ENDED,
    FENCED,
    OK,
    Answer,
    Redis,
    Request,
    Rules,
    execute,
)

RULES = Rules()


def after(*requests: Request, redis: Redis | None = None, time: int = 5) -> tuple[Redis, Answer]:
    """A Redis to which these were asked, and its last answer."""
    redis, answer = redis or Redis(), Answer("")
    for request in requests:
        redis, answer = execute(redis, request, time, RULES)
    return redis, answer


ATTACH: Request = ("attach", 1, "i1", 1, 1)
CLAIM: Request = ("claim", 0, "a1", 0, "calls")


def test_a_first_stream_makes_the_call() -> None:
    """With a slot, and an entry for each role."""
    redis, answer = after(("reserve",), ATTACH)
    assert (answer.kind, answer.epoch) == (OK, 1)
    assert redis.calls == {0}
    assert redis.slot


def test_an_attach_may_be_repeated_and_not_replayed() -> None:
    """The same ingress gets the same leg; another one nothing."""
    assert after(ATTACH, ATTACH)[1] == Answer(OK, epoch=1)
    assert after(ATTACH, ("attach", 1, "j1", 1, 1))[1].kind == FENCED


def test_an_older_stream_does_not_come_after_a_newer_one() -> None:
    """Its token tells its age."""
    assert after(("attach", 2, "j1", 2, 1), ATTACH)[1] == Answer(FENCED, "older")


def test_a_claim_is_repeated_or_raised_by_what_was_seen() -> None:
    """The owner gets its epoch again; having seen that very epoch elsewhere, a higher one."""
    redis, first = after(ATTACH, CLAIM)
    assert first == Answer(OK, "a1", 5, 1)
    assert after(CLAIM, redis=redis, time=9)[1].epoch == 5
    assert after(("claim", 0, "a1", 5, ""), redis=redis, time=9)[1].epoch == 9
    assert after(("claim", 0, "a1", 20, ""), redis=redis, time=9)[1].epoch == 21


def test_another_claims_only_what_is_free_or_older_than_what_it_has_seen() -> None:
    """A failover may have lost who had it."""
    redis, _ = after(ATTACH, CLAIM)
    assert after(("claim", 0, "b1", 5, ""), redis=redis)[1] == Answer(FENCED, "a1", 5)
    taken, answer = after(("claim", 0, "b1", 6, ""), redis=redis)
    assert answer.epoch == 7
    assert taken.owned == {(-1, "i1"), (0, "b1")}


def test_own_numbers_make_epochs_of_two_workers_differ() -> None:
    """Whatever the server's time."""
    redis, _ = after(ATTACH)
    rules = Rules(own_numbers=True)
    epochs = {execute(redis, ("claim", 0, name, 0, ""), 5, rules)[1].epoch for name in ("a1", "b1", "c1")}
    assert len(epochs) == 3


def test_a_release_is_for_an_heir_and_returns_the_attempt() -> None:
    """Repeated it does nothing."""
    release: Request = ("release", 0, "a1", 5, "b1")
    redis, answer = after(ATTACH, CLAIM, release)
    assert answer.kind == OK
    assert redis.orphans == ((0, "b1"),)
    assert redis.card is not None
    assert redis.card.roles[0] == ("", 5, 0)
    assert after(release, redis=redis)[0] == redis


def test_the_dead_are_disowned_once() -> None:
    """A second observer finds nothing to do; the claim that follows settles the entry."""
    redis, _ = after(ATTACH, CLAIM, ("disown", 0, "a1"), ("disown", 0, "a1"))
    assert redis.orphans == ((0, ""),)
    taken, answer = after(("claim", 0, "b1", 0, "orphans"), redis=redis)
    assert taken.orphans == ()
    assert answer.attempts == 2


@pytest.mark.parametrize("script", ["append", "served"])
def test_writes_are_fenced_by_owner_and_epoch(script: str) -> None:
    """The refusal names both."""
    redis, _ = after(ATTACH, CLAIM)
    assert after((script, 0, "a1", 5), redis=redis)[1].kind == OK
    assert after((script, 0, "b1", 5), redis=redis)[1] == Answer(FENCED, "a1", 5)
    assert after((script, 0, "a1", 4), redis=redis)[1] == Answer(FENCED, "a1", 5)
    assert after((script, 0, "a1", 5))[1].kind == ABSENT


def test_a_stream_that_goes_leaves_a_deadline_and_a_new_one_takes_it_away() -> None:
    """Of another leg or stream DETACH wants nothing."""
    gone, _ = after(ATTACH, ("detach", 1, 1), ("defer", 1, 1, "transferred"))
    assert gone.card is not None
    assert (gone.card.state, gone.card.ends_as, gone.deadline) == (DETACHED, "transferred", True)
    back, _ = after(("attach", 2, "j1", 2, 1), redis=gone)
    assert not back.deadline
    assert after(("detach", 1, 1), redis=back)[1].kind == FENCED
    assert after(("end", "transferred", 1, 1), redis=back)[1].kind == FENCED


def test_the_first_comers_outcome_stands() -> None:
    """And what the call held is free."""
    redis, answer = after(ATTACH, CLAIM, ("end", "completed"), ("end", "operator"))
    assert answer == Answer(OK, "completed")
    assert redis.card is not None
    assert redis.card.state == ENDED
    assert (redis.slot, redis.owned) == (False, frozenset())
    assert after(CLAIM, redis=redis)[1] == Answer(FENCED, ENDED)


def test_what_redis_lost_is_written_again() -> None:
    """By the holder of the newest socket, in the name of the owner that it knows."""
    restore: Request = ("restore", 1, 1, "i1", 1, "a1", 5)
    assert after(("figures", 1, 1))[1].kind == ABSENT
    redis, _ = after(restore)
    assert redis.card is not None
    assert redis.card.roles[0].owner == "a1"
    assert redis.slot
    assert after(restore, redis=redis)[0] == redis
    assert after(("restore", 1, 1, "i1", 1, "", 5))[0].orphans == ((0, ""),)
