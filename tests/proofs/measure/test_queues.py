"""The lengths of the queues, and how long a reply stays after it was heard out."""

from __future__ import annotations

from proofs.measure.queues import PERIOD_S, Lengths, Samples, sample
from shared.contract.keys import WORKERS, Keys
from shared.store.client import Store
from tests.support.waiting import running, wait_until

KEYS = Keys(1)
CALL = "CA" + "0" * 31 + "1"


def test_lengths_are_said_by_their_share() -> None:
    """Half of the samples, nearly all of them, all of them; without one there is nothing to say."""
    samples = Samples()
    for length in range(100):
        samples.note("caller", length)
    assert samples.figures()["caller"] == Lengths(100, 50, 95, 99)
    assert samples.figures()["out"] == Lengths(0, 0, 0, 0)


def heard(*found: tuple[float, int, bool]) -> Samples:
    """Times, lengths of one reply, whether it is audible."""
    samples, was_audible = Samples(), False
    for at_s, length, is_audible in found:
        samples.note_reply("call", length, is_audible=is_audible, was_audible=was_audible, at_s=at_s)
        was_audible = is_audible
    return samples


def test_what_stays_of_a_reply_that_was_heard_out_is_timed() -> None:
    """Until it is gone, or the next one is audible."""
    assert heard((1.0, 5, True), (2.0, 5, False), (2.5, 5, False), (3.0, 0, False)).reply_left_s == 0.5
    assert heard((1.0, 5, True), (2.0, 5, False), (2.2, 9, True), (9.0, 5, True)).reply_left_s == 0.0


def test_what_waits_to_be_heard_is_no_remainder() -> None:
    """The caller speaks, and the answer is there already."""
    assert heard((1.0, 5, False), (9.0, 5, False)).reply_left_s == 0.0


async def test_live_calls_and_workers_are_looked_at(store: Store) -> None:
    """Each by its own keys, again and again."""
    await store.zadd(KEYS.live(0), {CALL: 1})
    await store.sadd(WORKERS, "ingress-0@h#1", "egress-0@h#1", "brain-0@h#1")
    lengths = {KEYS.caller(CALL): 3, KEYS.reply(CALL): 2, KEYS.out("ingress-0@h#1"): 4}
    for key, count in {**lengths, KEYS.back("egress-0@h#1"): 1}.items():
        for _ in range(count):
            await store.xadd(key, {"v": "1"})
    samples = Samples()
    async with running(sample(store, samples)):
        await wait_until(lambda: len(samples.lengths["back"]) >= 2, "two looks", timeout_s=20 * PERIOD_S)
    figures = samples.figures()
    assert {name: found.most for name, found in figures.items()} == {
        "caller": 3,
        "reply": 2,
        "out": 4,
        "back": 1,
    }
