"""The real scripts do what the model of them does, in random histories of the same steps.

The model is what is walked exhaustively (proofs/prove/states/ownership): who has a call after any history.
Each history here is asked of both, and after each step the answer and all that Redis holds must be the same.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proofs.prove.states.ownership.redis import (
    EMPTY,
    ENDED,
    FENCED,
    OK,
    Answer,
    Redis,
    Request,
    Rules,
    execute,
)
from shared.contract.claiming import OWN_NUMBERS, own_number
from tests.support.real_scripts import INGRESSES, NAMES, ROLES, RealScripts

EXAMPLES = int(os.environ.get("TRUNKLINE_EXAMPLES", "60"))
"""Histories, on each server. They are the same each time: nothing here is left to chance."""

STEPS = 25

AS_BUILT = Rules()
"""All rules of the model, but that the numbers of epochs are each one's own: see `Both.time_of`."""

AHEAD = 2**52
"""An epoch that a server whose clock is far ahead has made."""

Choice = tuple[int, int, int, int]
"""What a step is about, as numbers that mean something only in the state in which it is taken."""


@pytest.fixture(scope="module", params=["valkey", "redis7"])
def scripts(request: pytest.FixtureRequest) -> Iterator[RealScripts]:
    """On a server of the session."""
    found = RealScripts(request.getfixturevalue(f"{request.param}_server"))
    yield found
    found.close()


def history() -> st.SearchStrategy[list[Choice]]:
    """Some steps."""
    number = st.integers(0, 5)
    return st.lists(st.tuples(st.integers(0, 25), number, number, number), min_size=8, max_size=STEPS)


@dataclass(slots=True)
class Both:
    """The model and the real thing, asked the same."""

    real: RealScripts
    model: Redis = EMPTY
    kept: tuple[Redis, dict[bytes, bytes]] | None = None
    """What both fall back to."""
    streams: int = 0

    def ask(self, request: Request) -> Answer:
        """The same answer from both, and the same state behind it."""
        issued = self.model.issued or 1 + max((nonce for nonce, _, _ in self.model.spent), default=0)
        before_ms = self.real.time_ms()
        real = self.real.execute(request, nonce=issued)
        after_ms = self.real.time_ms()
        time = 0
        if request[0] == "claim" and real.kind == OK:
            time = self.time_of(request, real.epoch, before_ms, after_ms)
        self.model, answer = execute(self.model, request, time, AS_BUILT)
        assert _said(request, real) == _said(request, answer), f"{request} of {self.model}"
        self.compare()
        return real

    def time_of(self, request: Request, epoch: int, before_ms: int, after_ms: int) -> int:
        """What the model is to take for the server's time, so that it makes the same epoch; the real one must
        have been made of the server's time as it was, or of an epoch that is higher."""
        _, role, worker, seen, _ = request
        assert self.model.card is not None
        has = self.model.card.roles[int(role)]
        if epoch == has.epoch:
            return 0  # The claim was repeated.
        own = own_number(f"{ROLES[int(role)]}-{worker}")
        least = max(has.epoch, int(seen)) + 1
        first, last = (_numbered(max(least, at_ms * OWN_NUMBERS), own) for at_ms in (before_ms, after_ms))
        assert first <= epoch <= last
        assert epoch % OWN_NUMBERS == own
        return epoch

    def compare(self) -> None:
        """All that Redis holds of the call."""
        spent = frozenset((nonce, stream, "") for nonce, stream, _ in self.model.spent)
        assert self.real.state() == self.model._replace(spent=spent)

    def step(self, choice: Choice) -> None:
        """One step of a history: something fits, late, repeated, or from another time."""
        kind, a, b, c = choice
        match kind:
            case 0:
                self.real.empty()
                self.model = Redis()
                self.compare()
            case 1:
                self.kept = (self.model, self.real.snapshot())
            case 2 if self.kept is not None:
                self.model, snapshot = self.kept
                self.real.fall_back(snapshot)
                self.compare()
            case _:
                self.ask(self._request(kind, a, b, c))

    def _request(self, kind: int, a: int, b: int, c: int) -> Request:
        role, worker, epoch = a % 2, NAMES[b % 3], self._epoch(a % 2, c)
        leg, stream = self._leg(c), self._stream(a, b)
        ingress = INGRESSES[b % 2]
        match kind:
            case 2 | 3 | 4:
                return ("reserve", a % 3 > 0)
            case 24 | 25:
                return ("expect", 0, worker)
            case 5 | 6:
                return self._attach(ingress, c)
            case 7:
                return ("detach", leg, stream)
            case 8:
                return ("defer", leg, stream, ("transferred", "no_new_stream")[b % 2])
            case 9:
                return ("end", ("completed", "operator")[b % 2], *((leg, stream) if a else ()))
            case 10 | 11 | 12 | 13:
                return ("claim", role, worker, 0, self._entry(role, b + c))
            case 14 | 15:
                return ("claim", role, worker, epoch, self._entry(role, b) if a > 2 else "")
            case 16 | 17:
                return ("release", role, self._owner(role, worker, c), epoch, ("", "a1", "b1")[b % 3])
            case 18 | 19:
                return ("disown", role, self._owner(role, worker, c))
            case 20:
                return ("append", role, self._owner(role, worker, c), epoch)
            case 21:
                return ("served", role, self._owner(role, worker, c), epoch)
            case 22:
                return ("figures", leg, stream)
        held = (worker if a % 2 else "", epoch, "", 0) if b % 2 else ("", 0, worker, epoch)
        # With what RESERVE has issued: its ATTACH was lost. Or a stream of another time.
        self.streams += 1
        newest = self.streams if c % 2 else stream
        nonce = self.model.issued if a % 3 == 0 and self.model.issued else 90 + newest
        return ("restore", max(1, leg), newest, ingress, nonce, *held)

    def _attach(self, ingress: str, c: int) -> Request:
        if c == 0 and self.model.spent:
            nonce, stream, _ = max(self.model.spent)
            return ("attach", stream, ingress, nonce, 2)
        self.streams += 1
        return ("attach", self.streams, ingress, self.model.issued or 50 + self.streams, 2)

    def _owner(self, role: int, worker: str, c: int) -> str:
        """Mostly who has it."""
        card = self.model.card
        return card.roles[role].owner or worker if card is not None and c else worker

    def _epoch(self, role: int, c: int) -> int:
        """Mostly the present one."""
        now = 0 if self.model.card is None else self.model.card.roles[role].epoch
        return (now, now, now, max(0, now - 1), now + 1, now + 7 if now > AHEAD else AHEAD)[c]

    def _leg(self, c: int) -> int:
        leg = 1 if self.model.card is None else self.model.card.leg
        return (leg, leg, leg, leg + 1, max(1, leg - 1), leg)[c]

    def _stream(self, a: int, b: int) -> int:
        """Mostly the newest one that Redis knows."""
        stream = 0 if self.model.card is None else self.model.card.stream
        return (stream, stream, stream, max(0, stream - 1), stream + 1, b)[a]

    def _entry(self, role: int, c: int) -> str:
        """What a worker of the role would be handed."""
        heirs = [heir for of, heir in self.model.orphans if of == role]
        if heirs and c % 3:
            return f"orphans{heirs[c % len(heirs)]}"
        return "calls" if role in self.model.calls else ""


@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(choices=history())
@pytest.mark.timeout(600)
def test_the_scripts_do_what_the_model_does(scripts: RealScripts, choices: list[Choice]) -> None:
    """In answers and in all that is written, over claims, ends, losses of Redis, whatever comes in
    between."""
    scripts.empty()
    both = Both(scripts)
    both.ask(("reserve",))
    both.ask(("attach", 0, "i1", 1, 2))
    for choice in choices:
        both.step(choice)


def test_a_difference_is_found(scripts: RealScripts) -> None:
    """The comparison can fail: a model whose card says something else."""
    scripts.empty()
    both = Both(scripts)
    both.ask(("attach", 1, "i1", 1, 2))
    assert both.model.card is not None
    both.model = both.model._replace(card=both.model.card._replace(leg=2))
    with pytest.raises(AssertionError):
        both.compare()


def test_a_whole_life_is_the_same(scripts: RealScripts) -> None:
    """Claimed, given back, orphaned, taken over, moved, ended: step by step, nothing left to chance."""
    scripts.empty()
    both = Both(scripts)
    both.ask(("reserve",))
    both.ask(("attach", 1, "i1", 1, 2))
    brain = both.ask(("claim", 0, "a1", 0, "calls"))
    egress = both.ask(("claim", 1, "a1", 0, "calls"))
    assert both.model.calls == frozenset()
    both.ask(("append", 0, "a1", brain.epoch))
    both.ask(("release", 1, "a1", egress.epoch, "b1"))
    both.ask(("claim", 1, "b1", 0, "orphansb1"))
    both.ask(("disown", 0, "a1"))
    taken = both.ask(("claim", 0, "b1", 0, "orphans"))
    assert taken.attempts == 2
    assert both.ask(("append", 0, "a1", brain.epoch)).owner == "b1"
    both.ask(("served", 0, "b1", taken.epoch))
    both.ask(("detach", 1, 1))
    both.ask(("defer", 1, 1, "transferred"))
    both.ask(("reserve",))
    both.ask(("attach", 2, "j1", 2, 2))
    assert both.ask(("end", "transferred", 1, 1)).kind == FENCED
    both.ask(("end", "completed"))
    assert both.model.card is not None
    assert both.model.card.state == ENDED


# Private.


def _numbered(least: int, own: int) -> int:
    return least + (own - least) % OWN_NUMBERS


def _said(request: Request, answer: Answer) -> Answer:
    """What both say: the model says more than DETACH and its like answer."""
    match request[0]:
        case "detach" | "defer" | "figures":
            return Answer(answer.kind)
        case "end" if answer.kind != OK:
            return Answer(answer.kind)
        case "attach" if answer.kind == FENCED:
            return Answer(answer.kind)
    return answer
