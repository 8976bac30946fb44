"""Each guard of the simulation is needed: with one taken out of the product's code, a seed finds it.

What is taken out is taken out in the process of the run alone. The same seeds with the guard in its place say
nothing of the kind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest

from brain.caller.feed import CallerFeed
from brain.sequencer import responses
from egress.delivery import Delivery
from ingress.calls.call import IngressCall
from ingress.calls.figures import FiguresPen
from ingress.calls.owed import OwedSound, Step
from proofs.simulate.callers import Habits
from proofs.simulate.faults import Fault, What, drawn
from proofs.simulate.kernel.processes import Processes
from proofs.simulate.limits import WAIT_MS, limits_of
from proofs.simulate.play import Story
from proofs.simulate.run import run_apart
from proofs.simulate.world import WorldOptions
from shared.contract.streams import pairs
from shared.contract.streams.pairs import frames_in
from shared.ownership.control_feed import ControlFeed
from shared.ownership.owned_watch import OwnedWatch
from shared.store.writing.outbox import Outbox

pytestmark = pytest.mark.timeout(180)

SECONDS = 25.0

TALKS = Habits(interrupts=0, presses_keys=0, says_nothing=0, leaves_early=0)


@dataclass(frozen=True, kw_only=True)
class Guard:
    """One guard, and how its absence is found."""

    name: str
    takes_out: Callable[[], None]
    says: str
    """A part of what the checker says then."""
    kinds: Sequence[What] = ()
    habits: Habits = field(default_factory=lambda: TALKS)
    seeds: int = 6
    """Within so many it is found."""
    every_s: float = 5.0
    cuts: Sequence[Fault] = ()
    """Instead of faults that are drawn."""
    role: str = ""
    """Whose processes alone are met."""
    workers: int = 1
    wait_ms: float = WAIT_MS


def _no_flush() -> None:
    Delivery._flush = lambda *_: []  # type: ignore[method-assign]


def _no_frame_numbers() -> None:
    receive = IngressCall.receive_frames

    def receive_anew(
        self: IngressCall, worker: str, leg: int, epoch: int, cut: int, n: int, audio: bytes, now_ms: float
    ) -> None:
        self.fence.last_frame = min(self.fence.last_frame, n - frames_in(audio))
        receive(self, worker, leg, epoch, cut, n, audio, now_ms)

    IngressCall.receive_frames = receive_anew  # type: ignore[method-assign]


def _no_letter_numbers() -> None:
    ControlFeed._is_new = lambda *_: True  # type: ignore[method-assign]


def _nothing_sent_again() -> None:
    opened = Outbox.link_opened

    def forget(self: Outbox, link: object) -> None:
        for commit in self._under_way:
            commit.writes.clear()
        opened(self, link)  # type: ignore[arg-type]

    Outbox.link_opened = forget  # type: ignore[method-assign, assignment]


def _no_response_ids() -> None:
    responses._why_skip = lambda *_: None


def _no_clip() -> None:
    check = OwedSound.check

    def silent(self: OwedSound, now_ms: float, *, store_away: bool, store_refuses: bool = False) -> Step:
        step = check(self, now_ms, store_away=store_away, store_refuses=store_refuses)
        return Step.NOTHING if step is Step.PLAY else step

    OwedSound.check = silent  # type: ignore[method-assign]


def _no_apology() -> None:
    fill = IngressCall.fill_silence

    def patient(self: IngressCall, now_ms: float, *, store_away: bool, store_refuses: bool = False) -> bool:
        fill(self, now_ms, store_away=store_away, store_refuses=store_refuses)
        return True

    IngressCall.fill_silence = patient  # type: ignore[method-assign]


def _no_take_over() -> None:
    async def nothing(*_: object) -> None:
        pass

    OwnedWatch._disown = nothing  # type: ignore[method-assign, assignment]


def _no_large_numbers() -> None:
    def short(text: str | bytes) -> int | None:
        return int(text) if len(text) <= 18 else None

    pairs.whole = short  # type: ignore[attr-defined]


def _no_kernel() -> None:
    def nobody(*_: object) -> None:
        return None

    Processes.open_exit = nobody  # type: ignore[method-assign, assignment]


def _no_restore() -> None:
    FiguresPen._restore = lambda *_: None  # type: ignore[method-assign]


def _nothing_told_again() -> None:
    def forget(self: IngressCall) -> None:
        self._is_written_again = False
        self._unheard.clear()

    IngressCall.written_again = forget  # type: ignore[method-assign]


def _no_replay() -> None:
    async def nothing(_self: CallerFeed) -> list[tuple[bytes, bytes]]:
        return []

    CallerFeed._kept = nothing  # type: ignore[method-assign]


GUARDS = [
    Guard(name="flush", takes_out=_no_flush, says="talked on for", habits=Habits(interrupts=1.0)),
    Guard(name="frame numbers", takes_out=_no_frame_numbers, says="heard again", kinds=[What.LOST]),
    Guard(
        name="letter numbers",
        takes_out=_no_letter_numbers,
        says="keys were told",
        kinds=[What.LOST],
        habits=Habits(presses_keys=0.9, says_nothing=0, leaves_early=0),
        role="ingress",
        every_s=1.5,
    ),
    Guard(
        name="sent again",
        takes_out=_nothing_sent_again,
        says="left out",
        seeds=24,  # Something must be under way in the millisecond of the cut: one seed in five.
        cuts=[Fault(at_s, What.CUT, "brain-0", 5.0) for at_s in (6.0, 16.0)],
    ),
    Guard(
        name="response ids",
        takes_out=_no_response_ids,
        says="left out",
        habits=Habits(interrupts=1.0),
    ),
    Guard(
        name="clip",
        takes_out=_no_clip,
        says="silence of",
        cuts=[Fault(7.0, What.STALL, "brain-0", 10.0)],
    ),
    Guard(
        name="apology",
        takes_out=_no_apology,
        says="without an answer",
        cuts=[Fault(7.0, What.CUT, "brain-0", 24.0)],
    ),
    Guard(name="take-over", takes_out=_no_take_over, says="with the apology", kinds=[What.KILL]),
    Guard(name="large numbers", takes_out=_no_large_numbers, says="out_bad"),
    Guard(
        name="kernel's word",
        takes_out=_no_kernel,
        says="paused for",
        cuts=[Fault(at_s, What.KILL, f"egress-{number}") for at_s, number in ((9.5, 0), (17.0, 1))],
        workers=2,
        seeds=8,
    ),
    Guard(
        name="restore",
        takes_out=_no_restore,
        says="without an answer",
        cuts=[Fault(8.0, What.EMPTY, "", 1.0)],
        # Ingress moves the call after twelve seconds of owed silence, and it begins anew.
        wait_ms=9_000.0,
    ),
    Guard(
        name="told again",
        takes_out=_nothing_told_again,
        says="without an answer",
        cuts=[Fault(at_s, What.EMPTY, "", 3.0) for at_s in (5.0, 14.0)],
    ),
    Guard(name="replay", takes_out=_no_replay, says="turns were lost", kinds=[What.MODEL]),
]


def _broken(guard: Guard, seed: int, takes_out: Callable[[], None] | None) -> list[str]:
    """What the checker says of one of the guard's seeds."""
    schedule = guard.cuts or drawn(
        seed, guard.kinds, workers=guard.workers, seconds=SECONDS, every_s=guard.every_s
    )
    faults = [fault for fault in schedule if fault.target.startswith(guard.role)]
    story = Story(
        seed=seed,
        calls=2,
        seconds=SECONDS,
        habits=guard.habits,
        faults=faults,
        limits=replace(limits_of(faults), wait_ms=guard.wait_ms),
    )
    options = WorldOptions(seed=seed, workers=guard.workers, shares_pids=True, spoil=takes_out)
    return run_apart(options, story.play).broken


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_a_guard_that_is_missing_is_found(guard: Guard) -> None:
    """Within a few seeds, by what the caller hears; with the guard in its place that seed says nothing of
    it."""
    for seed in range(1, guard.seeds + 1):
        if any(guard.says in sentence for sentence in _broken(guard, seed, guard.takes_out)):
            assert not any(guard.says in sentence for sentence in _broken(guard, seed, None))
            return
    pytest.fail(f"no seed up to {guard.seeds} says: {guard.says}")
