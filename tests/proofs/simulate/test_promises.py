"""What is promised of every run."""

from __future__ import annotations

from proofs.simulate.promises import Limits, broken_by_call, broken_in_redis, known
from proofs.simulate.redis.keyspace import Keyspace
from proofs.simulate.redis.server import RedisServer
from shared.contract.keys import Keys
from simulators.twilio.record import CallRecord

SID = "CA" + "1" * 32
KEYS = Keys(1)


def _server() -> RedisServer:
    return RedisServer(Keyspace(lambda: 1_800_000_000_000_000))


def test_a_tidy_redis() -> None:
    """An ended card with a TTL is all that may stay of a call."""
    server = _server()
    card = KEYS.card(SID).encode()
    server.run([b"HSET", card, b"state", b"ended"])
    server.run([b"PEXPIRE", card, b"1000"])
    assert broken_in_redis(server.keys, [SID]) == []


def test_what_an_ended_call_may_not_leave() -> None:
    """A slot, a place in `live`, an open card, a key for ever: each is named."""
    server = _server()
    server.run([b"HSET", KEYS.card(SID).encode(), b"state", b"attached"])
    server.run([b"ZADD", KEYS.slots(0).encode(), b"1", SID.encode()])
    server.run([b"ZADD", KEYS.live(0).encode(), b"1", SID.encode()])
    found = " ".join(broken_in_redis(server.keys, [SID]))
    for word in ("live in Redis", "slots", "not ended", "without a TTL"):
        assert word in found


def _record(**changes: object) -> CallRecord:
    record = CallRecord(call_sid=SID, from_number="+1", to_number="+2", zero_ms=0.0)
    record.answered_at_ms, record.ended_at_ms, record.end_reason = 0.0, 1_000.0, "caller_hung_up"
    for name, value in changes.items():
        setattr(record, name, value)
    return record


def test_a_call_that_never_ended() -> None:
    """Is named, and judged no further."""
    assert "has not ended" in broken_by_call(_record(ended_at_ms=None), [], known(), Limits())[0]


def test_a_long_silence() -> None:
    """Nobody said a word to a caller who waited."""
    found = " ".join(broken_by_call(_record(ended_at_ms=20_000.0), [], known(), Limits()))
    assert "silence of 20.00 s" in found
    assert "20.00 s without an answer" in found


def test_a_call_that_was_ended_on_the_caller() -> None:
    """Without a word, while something was owed."""
    found = " ".join(broken_by_call(_record(end_reason="bridge_hung_up"), [], known(), Limits()))
    assert "without a word" in found
    assert "owed" in found
