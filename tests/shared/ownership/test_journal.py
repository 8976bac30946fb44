"""A process's pen for journals, on a real server."""

from __future__ import annotations

from shared.clock import wall_ms
from shared.contract.streams.journal import Kind, read_journal
from shared.ownership.journal import JournalPen
from shared.store.client import Store
from shared.store.writing.outbox import Outbox
from tests.shared.ownership.test_steps import CALL, KEYS, attached
from tests.support.waiting import running
from tests.support.ways import way_to


async def test_a_line_says_who_and_what(store: Store, redis_url: str) -> None:
    """Behind those of the scripts; of a call that is not there no line is left."""
    await attached(store)
    outbox = Outbox(way_to(redis_url), name="brain-0@h#1", commit_ms=0)
    pen = JournalPen(outbox, KEYS, b"brain-0@h#1")
    async with running(outbox.run()):
        pen.note(CALL, Kind.LIMIT, cause="hard_cap")
        pen.note("CA" + "9" * 32, Kind.LIMIT, cause="hard_cap")
        assert await outbox.flushed(5)
    lines = [read_journal(*entry) for entry in await store.xrange(KEYS.journal(CALL))]
    assert [line.kind for line in lines] == ["attached", "limit"]
    assert (lines[1].writer, lines[1].fields) == ("brain-0@h#1", {"cause": "hard_cap"})
    assert not await store.exists(KEYS.journal("CA" + "9" * 32))


async def test_whoever_listens_hears_of_each_line(redis_url: str) -> None:
    """With its moment; nothing is waited for."""
    heard: list[tuple[object, ...]] = []
    pen = JournalPen(Outbox(redis_url, name="brain-0@h#1", commit_ms=0), KEYS, b"brain-0@h#1")
    pen.told = lambda *line: heard.append(line)
    before_ms = wall_ms()
    pen.note(CALL, Kind.LIMIT, cause="hard_cap")
    ((call_sid, kind, fields, at_ms),) = heard
    assert (call_sid, kind, fields) == (CALL, Kind.LIMIT, {"cause": "hard_cap"})
    assert before_ms <= int(str(at_ms)) <= wall_ms()
