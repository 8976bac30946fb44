"""What is promised of every run."""

from __future__ import annotations

from collections.abc import Sequence

from proofs.prove.listening.spans import Span
from proofs.simulate.limits import Limits
from proofs.simulate.promises import Heard, broken_by_call, broken_in_redis, known, outcome_of
from proofs.simulate.redis.keyspace import Keyspace
from proofs.simulate.redis.server import RedisServer
from shared.contract.keys import ADMITTED, Keys
from simulators.twilio.media.playout import Playback
from simulators.twilio.record import CallRecord, KeyPress, Utterance, VerbRun

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
    """A slot, a place, a line in `live`, an open card, a key for ever: each is named."""
    server = _server()
    server.run([b"HSET", KEYS.card(SID).encode(), b"state", b"attached"])
    server.run([b"ZADD", KEYS.slots(0).encode(), b"1", SID.encode()])
    server.run([b"ZADD", KEYS.live(0).encode(), b"1", SID.encode()])
    server.run([b"ZADD", ADMITTED.encode(), b"1", SID.encode()])
    found = " ".join(broken_in_redis(server.keys, [SID]))
    for word in ("live in Redis", "slots", "places", "not ended", "without a TTL"):
        assert word in found


def _record(**changes: object) -> CallRecord:
    record = CallRecord(call_sid=SID, from_number="+1", to_number="+2", zero_ms=0.0)
    record.answered_at_ms, record.ended_at_ms, record.end_reason = 0.0, 1_000.0, "caller_hung_up"
    for name, value in changes.items():
        setattr(record, name, value)
    return record


def test_a_call_that_was_turned_away() -> None:
    """It rang while there was a fault; without one it should have been taken."""
    record = _record(end_reason="bridge_hung_up")
    record.verbs.append(VerbRun("Say", "Sorry.", 100.0, 900.0))
    assert broken_by_call(Heard(record, [], "", [Span(0.0, 500.0)]), known(), Limits()) == []
    assert broken_by_call(Heard(record, [], ""), known(), Limits())


def test_a_call_that_never_ended() -> None:
    """Is named, and judged no further."""
    assert "has not ended" in broken_by_call(Heard(_record(ended_at_ms=None), [], ""), known(), Limits())[0]


def test_a_long_silence() -> None:
    """Nobody said a word to a caller who waited."""
    found = " ".join(broken_by_call(Heard(_record(ended_at_ms=20_000.0), [], ""), known(), Limits()))
    assert "silence of 20.00 s" in found
    assert "20.00 s without an answer" in found


def test_a_call_that_was_ended_on_the_caller() -> None:
    """Without a word, while something was owed."""
    found = " ".join(broken_by_call(Heard(_record(end_reason="bridge_hung_up"), [], ""), known(), Limits()))
    assert "without a word" in found
    assert "owed" in found


def test_a_call_that_the_model_ended() -> None:
    """Whoever ended it says so: nothing is missing."""
    heard = Heard(_record(end_reason="bridge_hung_up"), [], "hangup")
    assert broken_by_call(heard, known(), Limits()) == []
    lines = [f"  1.0 ingress-0  info resume call={SID} outcome= tries=1 verb=dial"]
    assert outcome_of(lines, SID) == ""
    ended, told = "info ended call={} outcome=hangup", "info resume call={} outcome=transferred tries=2"
    assert outcome_of([*lines, f"  2.0 ingress-0  {ended.format(SID)}"], SID) == "hangup"
    assert outcome_of([*lines, f"  2.0 ingress-0  {told.format(SID)}"], SID) == "transferred"
    assert outcome_of([f"  2.0 ingress-0  {ended.format('CA9')}"], SID) == ""


def test_time_in_which_nobody_could_play_is_no_silence() -> None:
    """Its ingress stood still, on the clock of the host."""
    record = _record(ended_at_ms=20_000.0, zero_ms=5_000.0)
    heard = Heard(record, [], "", unplayed=[Span(5_000.0, 24_000.0)])
    assert not any("silence" in sentence for sentence in broken_by_call(heard, known(), Limits()))


def test_who_presses_keys_meanwhile_waits_for_the_end_of_their_group() -> None:
    """Two seconds more: as long as another key may come."""
    for at_ms, is_silence in ((5_000.0, False), (50_000.0, True)):
        record = _record(ended_at_ms=7_500.0)
        record.key_presses.append(KeyPress("1", at_ms, delivered=True))
        broken = broken_by_call(Heard(record, [], "completed"), known(), Limits())
        assert any("silence" in sentence for sentence in broken) is is_silence


def test_who_speaks_into_the_apology_is_owed_nothing_more() -> None:
    """It is the last that a caller hears, and pays what was owed before it."""
    for spoken_at_ms in (500.0, 7_000.0):
        record = _record(ended_at_ms=12_000.0, end_reason="bridge_hung_up")
        record.verbs.append(VerbRun("Say", "Sorry.", 6_000.0, 12_000.0))
        record.utterances.append(Utterance("ask", spoken_at_ms, 0, 900, False, spoken_at_ms + 900))
        broken = broken_by_call(Heard(record, [], "apology"), known(), Limits())
        assert not any("was owed" in sentence for sentence in broken)


def _talked_over(troubled: Sequence[Span]) -> list[str]:
    record = _record(ended_at_ms=20_000.0)
    playback = Playback(started_at_ms=1_000.0, ended_at_ms=6_000.0, end="dry")
    record.playout.playbacks.append(playback)
    record.utterances.append(Utterance("ask", 2_000.0, 0, 900, barge_in=True, ended_at_ms=2_900.0))
    broken = broken_by_call(Heard(record, [], "", troubled), known(), Limits())
    return [sentence for sentence in broken if "talked on" in sentence]


def test_who_interrupts_is_not_talked_over() -> None:
    """Unless there was a fault at the time."""
    assert "talked on for 4000 ms" in _talked_over([])[0]
    assert _talked_over([Span(1_500.0, 2_500.0)]) == []
