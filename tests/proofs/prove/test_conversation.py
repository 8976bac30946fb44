"""Which trouble a connection of a simulated call gets; the rest of it is `make prove-conversation` itself."""

from __future__ import annotations

from proofs.prove.conversation import _knobs_by
from proofs.prove.scenarios import Scenario
from simulators.realtime.knobs import Knobs


def test_a_connection_is_known_by_its_place_in_its_call() -> None:
    """Brains of two boots name their sessions as they like behind the call's sid."""
    asked: list[tuple[int, int]] = []

    def knobs_for(number: int, nth: int) -> Knobs:
        asked.append((number, nth))
        return Knobs(seed=number)

    knobs = _knobs_by(Scenario(name="any", calls=2, seconds=1, knobs_for=knobs_for, promises=lambda _: {}))
    made = [knobs({"x-client-request-id": name}) for name in ("CA1/ab12", "CA2/s1", "CA1/cd34", "CA1/ab13")]
    assert asked == [(1, 1), (2, 1), (3, 2), (4, 3)]
    assert [each.seed for each in made] == [1, 2, 3, 4]
