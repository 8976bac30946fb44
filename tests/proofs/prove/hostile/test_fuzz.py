"""The fuzz itself: it reaches what it tries, finds what escapes, and does the same again."""

from __future__ import annotations

from random import Random

import orjson
import pytest

from proofs.prove.hostile import fuzz
from proofs.prove.hostile.command import ACCEPTED
from proofs.prove.hostile.fuzz import Mutator, Reader, WireReader, frame, good_token, readers
from proofs.prove.hostile.fuzz import fuzz as run

MESSAGES = 3_000


def test_nothing_escapes_and_everything_is_reached() -> None:
    """Of each parser some messages are taken, and some are not."""
    found = run(MESSAGES, seed=1)
    assert (found.messages, found.escaped) == (MESSAGES, [])
    answers: dict[str, set[str]] = {}
    for answer in found.answers:
        name, _, said = answer.partition(": ")
        answers.setdefault(name, set()).add(said)
    assert set(answers) == {reader.name for reader in readers()}
    assert set(ACCEPTED) == set(answers)
    for name, taken in ACCEPTED.items():
        assert taken in answers[name]
        assert len(answers[name]) > 1


def test_the_same_seed_finds_the_same() -> None:
    """So that what was found can be looked at."""
    assert run(500, seed=7).answers == run(500, seed=7).answers
    assert run(500, seed=7).answers != run(500, seed=8).answers


def test_an_exception_that_escapes_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its parser, its name and what led to it."""

    def broken(data: bytes) -> str:
        raise RecursionError

    monkeypatch.setattr(fuzz, "readers", lambda: [Reader("broken", 1.0, [b"abc"], broken)])
    found = run(30, seed=1)
    assert found.escapes == 30
    assert len(found.escaped) == fuzz.MOST_SHOWN
    assert found.escaped[0].startswith("broken: RecursionError from b")


def test_progress_is_told_ten_times() -> None:
    """To whoever waits."""
    said: list[int] = []
    run(100, 1, said.append)
    assert said == list(range(10, 101, 10))


def test_shares_are_one_together() -> None:
    """Each message goes to one parser."""
    assert sum(reader.share for reader in readers()) == pytest.approx(1.0)


def test_good_messages_are_taken_before_they_are_changed() -> None:
    """The token, and a frame of any length."""
    assert fuzz.stream_token(good_token().encode()) == "taken"
    assert fuzz.model_event(b"[]") == "no object"
    assert fuzz.pair_name(b"a:b") == "refused"
    reader = fuzz.SocketReader()
    assert [reader.read(frame(b"x" * size)) for size in (0, 125, 126, 60_000)] == ["text"] * 4
    assert WireReader().read(b"{}") == "bad_field"


def test_a_field_is_replaced_wherever_it_stands() -> None:
    """In an object within an object too; what is no object stays as it is."""
    mutator = Mutator(Random(3), [b'{"a":{"b":{"c":1}}}'])
    found = [orjson.loads(mutator._with_another_value(b'{"a":{"b":{"c":1}}}')) for _ in range(50)]
    assert any(each != {"a": {"b": {"c": 1}}} for each in found)
    assert any(isinstance(each["a"], dict) and isinstance(each["a"].get("b"), dict) for each in found)
    assert mutator._with_another_value(b"[1") == b"[1"
