"""What is gathered goes to whom it is for, once, in order."""

from __future__ import annotations

from shared.contract.streams import pairs
from shared.store.writing.pair_batch import PairBatch


def test_pairs_are_gathered_by_worker() -> None:
    """One entry a worker, in the order of adding; nothing is sent twice."""
    sent: list[tuple[str, list[pairs.Pair]]] = []
    batch = PairBatch(lambda worker, some: sent.append((worker, some)))
    for worker, name in (("a", b"1"), ("b", b"2"), ("a", b"3")):
        batch.add(worker, (name, b""))
    assert batch.send() == 2
    assert sent == [("a", [(b"1", b""), (b"3", b"")]), ("b", [(b"2", b"")])]
    assert batch.is_empty
    assert batch.send() == 0
