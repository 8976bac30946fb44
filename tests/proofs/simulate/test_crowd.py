"""More callers than places: none is refused below the limit, none is let in above it."""

from __future__ import annotations

import pytest

from ingress.web.admission import Admission
from proofs.prove.listening.spans import Span
from proofs.simulate.crowd import FELT_AFTER_MS, GIVEN_BACK_MS, Came, Crowd, broken_by_count, came_of
from proofs.simulate.faults import Fault, What
from proofs.simulate.run import Outcome, run_apart
from proofs.simulate.world import WorldOptions
from simulators.twilio.media.playout import Playout
from simulators.twilio.record import CallRecord, MediaStream, Webhook

pytestmark = pytest.mark.timeout(180)


def play(crowd: Crowd, spoil: object = None) -> Outcome:
    options = WorldOptions(seed=crowd.seed, settings=crowd.settings, spoil=spoil)  # type: ignore[arg-type]
    return run_apart(options, crowd.play)


def told(outcome: Outcome) -> tuple[int, int]:
    """How many were let in, and how many were refused."""
    (line,) = [line for line in outcome.lines if " let in, " in line]
    words = line.split()
    return int(words[words.index("let") - 1]), int(words[words.index("refused") - 1])


@pytest.mark.parametrize("seed", [1, 2])
def test_the_limit_holds_over_all_lanes(seed: int) -> None:
    """Two ingresses, eight lanes, four places; the limit is reached, or this says nothing."""
    outcome = play(Crowd(seed=seed))
    assert outcome.broken == []
    let_in, refused = told(outcome)
    assert let_in > 10
    assert refused > 10


FAULTS = [
    Fault(10.0, What.RESET, "ingress-0"),
    Fault(10.0, What.KILL, "ingress-0", 0.0, 20),
    Fault(10.0, What.LOST, "ingress-1", 1.0),
    Fault(10.0, What.EMPTY, "", 0.5),
    Fault(10.0, What.FAIL_OVER, "", 0.8),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.what)
def test_it_holds_again_after_a_fault(fault: Fault) -> None:
    """What was lost is found, what was missed is made up for; afterwards Redis is as if nobody had called."""
    outcome = play(Crowd(seed=5, seconds=55.0, faults=[fault]))
    assert outcome.broken == []
    assert told(outcome)[1] > 0


def _counts_nobody() -> None:
    init = Admission.__init__

    def without_limit(self: Admission, *args: object) -> None:
        init(self, *args)  # type: ignore[arg-type]
        self._most = 10**6

    Admission.__init__ = without_limit  # type: ignore[method-assign, assignment]


def _counts_each_lane() -> None:
    """As it was: each lane its share."""
    init = Admission.__init__

    def with_share(self: Admission, *args: object) -> None:
        init(self, *args)  # type: ignore[arg-type]
        self._most = 1

    Admission.__init__ = with_share  # type: ignore[method-assign, assignment]


@pytest.mark.parametrize(
    ("spoil", "says"), [(_counts_nobody, "let in beside"), (_counts_each_lane, "refused beside")]
)
def test_a_limit_that_is_not_kept_is_found(spoil: object, says: str) -> None:
    """The promises can be broken."""
    assert any(says in sentence for sentence in play(Crowd(seed=1, seconds=20.0), spoil).broken)


# The judgement.


def came(rang_ms: float, ended_ms: float, *, is_let_in: bool = True) -> Came:
    return Came(rang_ms, rang_ms + 50, ended_ms, is_let_in)


def test_who_comes_above_the_limit_is_found() -> None:
    """And nobody who comes when one has left."""
    assert broken_by_count([came(0, 9_000), came(100, 5_000), came(6_000, 7_000)], 2, []) == []
    (found,) = broken_by_count([came(0, 9_000), came(100, 5_000), came(4_000, 7_000)], 2, [])
    assert found == "let in beside 2 others at 4.05 s"


def test_who_is_refused_below_the_limit_is_found() -> None:
    """A place is given back a moment after its call."""
    refused = came(6_000, 6_500, is_let_in=False)
    late = 6_000 - GIVEN_BACK_MS
    assert broken_by_count([came(0, 9_000), came(0, late), refused], 2, []) == []
    (found,) = broken_by_count([came(0, 9_000), came(0, late - 1), refused], 2, [])
    assert found == "refused beside 1 others at 6.05 s"


def test_around_a_fault_either_is_excused() -> None:
    """Until what was lost is found again."""
    refused = came(6_000, 6_500, is_let_in=False)
    assert broken_by_count([refused], 2, [Span(0.0, 6_000.0 - FELT_AFTER_MS / 2)]) == []
    assert broken_by_count([refused], 2, [Span(-90_000.0, 0.0 - FELT_AFTER_MS)]) != []


def test_what_a_call_met_is_read_off_its_record() -> None:
    """By its own clock and the host's."""
    record = CallRecord("CA1", "+1", "+2", 1_000.0, playout=Playout(keep_audio=False))
    assert came_of(record) is None
    record.ended_at_ms = 900.0
    assert came_of(record) is None
    record.webhooks.append(Webhook("voice", "u", 1, 10.0, answered_at_ms=60.0, status=200))
    assert came_of(record) == Came(1_010.0, 1_060.0, 1_900.0, is_let_in=False)
    record.streams.append(MediaStream(1, "MZ1", "wss://host/media", {}, 70.0))
    assert came_of(record) == Came(1_010.0, 1_060.0, 1_900.0, is_let_in=True)
