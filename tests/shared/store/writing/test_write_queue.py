"""What waits to be written: its order, its bound, what grows stale, what may overtake."""

from __future__ import annotations

from shared.store.writing.write_queue import CHUNK, ROOM_MS, Write, WriteQueue


def write(name: str, *, expires_at_ms: float = 0.0, when_full: bool = False) -> Write:
    return Write(name.encode(), None, expires_at_ms, when_full)


def taken(queue: WriteQueue, now_ms: float = 0.0) -> dict[object, list[str]]:
    """All that is taken at once, by tag."""
    found, _ = queue.take(now_ms)
    return {tag: [each.packed.decode() for each in writes] for tag, writes in found}


def test_each_tag_keeps_its_order() -> None:
    """First in, first out; and its bytes are counted down to none."""
    queue = WriteQueue()
    for tag, name in ((0, "a"), (1, "x"), (0, "b"), (1, "y")):
        queue.add(tag, write(name))
    assert (len(queue), queue.queued_bytes, bool(queue)) == (4, 4, True)
    assert taken(queue) == {0: ["a", "b"], 1: ["x", "y"]}
    assert (len(queue), queue.queued_bytes, bool(queue)) == (0, 0, False)


def test_a_great_queue_goes_a_chunk_at_a_time() -> None:
    """No turn of the loop lasts, however long Redis was away."""
    queue = WriteQueue()
    for number in range(CHUNK + 2):
        queue.add(0, write(f"{number:05}"))
    assert len(taken(queue)[0]) == CHUNK
    assert taken(queue) == {0: [f"{CHUNK:05}", f"{CHUNK + 1:05}"]}
    assert queue.queued_bytes == 0


def test_what_was_refused_goes_before_what_was_never_sent() -> None:
    """In the order of the refusals, whatever was added since."""
    queue = WriteQueue()
    queue.add(0, write("c"))
    queue.hold(0, [write("a")])
    queue.add(1, write("x"))
    queue.hold(0, [write("b")])
    queue.hold(2, [])
    queue.rejoin()
    assert taken(queue) == {0: ["a", "b", "c"], 1: ["x"]}


def test_what_is_stale_is_dropped_and_counted() -> None:
    """When it is taken, and by looking, held or not; the rest stays in its order."""
    queue = WriteQueue()
    for name, expires_at_ms in (("old", 5.0), ("good", 0.0), ("new", 20.0)):
        queue.add(0, write(name, expires_at_ms=expires_at_ms))
        queue.hold(1, [write(name, expires_at_ms=expires_at_ms)])
    assert queue.forget_stale(4.0) == 0
    assert queue.forget_stale(10.0) == 2
    assert queue.queued_bytes == 2 * len("goodnew")
    queue.rejoin()
    found, dropped = queue.take(30.0)
    assert dropped == 2
    assert [[each.packed for each in writes] for _, writes in found] == [[b"good"], [b"good"]]
    assert queue.queued_bytes == 0


def test_what_may_overtake_is_taken_out_of_its_place() -> None:
    """The rest waits as it stood."""
    queue = WriteQueue()
    for tag, name, when_full in ((0, "a", False), (0, "trim", True), (1, "trim too", True), (0, "b", False)):
        queue.add(tag, write(name, when_full=when_full))
    ahead = queue.take_ahead(lambda each: each.when_full)
    assert [(tag, each.packed) for tag, each in ahead] == [(0, b"trim"), (1, b"trim too")]
    assert queue.queued_bytes == 2
    assert taken(queue) == {0: ["a", "b"]}


def test_the_oldest_audio_gives_way_a_second_at_a_time() -> None:
    """Where too much waits. It is looked for once a second at most; what never grows stale stays."""
    queue = WriteQueue()
    for second in range(3):
        queue.add(0, write("frame", expires_at_ms=20_000.0 + second * ROOM_MS))
    queue.add(0, write("said"))
    assert queue.make_room(10_000.0) == 1
    assert queue.make_room(10_500.0) == 0
    assert queue.make_room(11_000.0) == 1
    assert len(queue) == 2
    only = WriteQueue()
    only.add(0, write("said"))
    assert only.make_room(10_000.0) == 0
