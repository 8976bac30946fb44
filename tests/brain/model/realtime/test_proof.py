"""What a sign of life of the server proves of the caller's audio."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from brain.model.realtime.proof import EVENT_PROVES_MS, STEP_MS, Proof


def entry(number: int) -> bytes:
    return b"%d-0" % number


def test_nothing_is_proven_by_writing() -> None:
    """A socket takes what nobody will ever read."""
    proof = Proof()
    for number in range(100):
        proof.appended(entry(number), number * 40.0)

    assert proof.proven_id == b""


def test_a_pong_proves_what_was_written_before_its_ping() -> None:
    """And not what was written while it was under way."""
    proof = Proof()
    proof.appended(entry(1), 0)
    proof.appended(entry(2), 40)
    before = proof.pinged(50)
    proof.appended(entry(3), 80)
    proof.ponged(before)

    assert proof.proven_id == entry(2)


def test_an_event_proves_what_is_old_enough_to_have_been_read() -> None:
    """Younger audio may be on its way to a server that died meanwhile."""
    proof = Proof()
    proof.appended(entry(1), 0)
    proof.appended(entry(2), STEP_MS)
    proof.event(EVENT_PROVES_MS - 1)
    assert proof.proven_id == b""
    proof.event(EVENT_PROVES_MS)

    assert proof.proven_id == entry(1)


def test_while_a_ping_is_unanswered_events_prove_nothing() -> None:
    """They still come, but what we say may not get through: a server that no longer reads goes on talking."""
    proof = Proof()
    proof.appended(entry(1), 0)
    before = proof.pinged(100)
    proof.appended(entry(2), 200)
    proof.event(100 + EVENT_PROVES_MS + 1)
    assert proof.proven_id == b""
    proof.ponged(before)
    proof.event(200 + EVENT_PROVES_MS)

    assert proof.proven_id == entry(2)


@given(st.lists(st.tuples(st.sampled_from(["append", "event", "ping", "pong"]), st.integers(0, 1_500))))
def test_what_is_proven_only_grows_and_was_written(steps: list[tuple[str, int]]) -> None:
    """Whatever comes in whatever order; and after a pong nothing that was written before its ping is open."""
    proof, now, written, proven, pinged = Proof(), 0.0, 0, 0, None
    for kind, wait_ms in steps:
        now += wait_ms
        match kind:
            case "append":
                written += 1
                proof.appended(entry(written), now)
            case "event":
                proof.event(now)
            case "ping" if pinged is None:
                pinged = proof.pinged(now), written
            case "pong" if pinged is not None:
                proof.ponged(pinged[0])
                assert int(proof.proven_id.partition(b"-")[0] or 0) == pinged[1]
                pinged = None
            case _:
                pass
        now_proven = int(proof.proven_id.partition(b"-")[0] or 0)
        assert proven <= now_proven <= written
        proven = now_proven
