"""The shelf: calls in, calls found, calls forgotten. In SQLite and in PostgreSQL."""

from __future__ import annotations

import sqlite3
import stat
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from console.archive.kept import KeptCall
from console.archive.shelf import Search, ShelfError
from console.archive.sql import FORGOTTEN_MS, SqlShelf, open_shelf
from shared.clock import wall_ms
from tests.console.archive.samples import TAG, row
from tests.support.postgres import postgres


@pytest.fixture(scope="module")
def postgres_url() -> Iterator[str]:
    """Of a database for these tests alone."""
    with postgres() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlShelf]:
    """An empty one."""
    if request.param == "sqlite":
        made = open_shelf(f"sqlite:///{tmp_path}/run/calls.sqlite")
    else:
        made = open_shelf(request.getfixturevalue("postgres_url"))
    made.expire(2**62)
    yield made
    made._run("DELETE FROM trunkline_forgotten", ())
    made.expire(2**62)
    made.close()


def sids(shelf: SqlShelf, **asked: object) -> list[int]:
    """Numbers of the calls that fit."""
    return [int(each.call_sid[2:], 16) for each in shelf.find(Search(**asked)).calls]  # type: ignore[arg-type]


def put(shelf: SqlShelf, *rows: KeptCall) -> None:
    for each in rows:
        shelf.put(each, b"x")


def test_what_is_put_is_found_the_newest_first(shelf: SqlShelf) -> None:
    """As it was put; put again, it is what it is now."""
    put(shelf, row(1), row(3), row(2))
    put(shelf, row(2, outcome="apology", cost_micros=None, response_ms=None))

    assert sids(shelf) == [3, 2, 1]
    found = shelf.find(Search()).calls[1]
    assert found == row(2, outcome="apology", cost_micros=None, response_ms=None)
    assert shelf.newest_ms() == 3_500
    assert shelf.known([row(1).call_sid, "CAnone"]) == {row(1).call_sid}
    assert shelf.known([]) == set()


def test_pages_go_on_where_the_last_one_stopped(shelf: SqlShelf) -> None:
    """None is left out, none comes twice."""
    put(shelf, *(row(number) for number in range(1, 6)))
    first = shelf.find(Search(limit=2))
    assert (len(first.calls), first.has_more) == (2, True)
    last = first.calls[-1]
    second = shelf.find(Search(limit=3, before=(last.ended_at_ms, last.call_sid)))
    assert [each.call_sid for each in second.calls] == [row(number).call_sid for number in (3, 2, 1)]
    assert not second.has_more


def test_calls_that_ended_at_once_are_on_one_page_each(shelf: SqlShelf) -> None:
    """Three of one millisecond, two a page."""
    put(shelf, row(9), *(row(number, ended_at_ms=700) for number in (1, 2, 3)))
    found: list[int] = []
    before = None
    for _ in range(2):
        page = shelf.find(Search(limit=2, before=before))
        found += [int(each.call_sid[2:], 16) for each in page.calls]
        before = (page.calls[-1].ended_at_ms, page.calls[-1].call_sid)
    assert (found, page.has_more) == ([9, 1, 2, 3], False)


def test_a_search_joins_what_it_is_asked(shelf: SqlShelf) -> None:
    """Time, agent, outcome, cause."""
    put(
        shelf, row(1), row(2, agent="sales"), row(3, agent="sales", outcome="apology", cause="no_session"),
        row(4, outcome="apology"),
    )  # fmt: skip
    assert sids(shelf, agent="sales") == [3, 2]
    assert sids(shelf, agent="sales", outcome="apology") == [3]
    assert sids(shelf, cause="no_session") == [3]
    assert sids(shelf, since_ms=3_000) == [4, 3]
    found = shelf.choices()
    assert (found.agents, found.outcomes) == (["default", "sales"], ["apology", "completed"])
    assert found.causes == ["no_session"]


def test_a_number_is_found_by_its_end_masked_or_not(shelf: SqlShelf) -> None:
    """Of a masked one a longer end fits if it agrees with what is known."""
    put(
        shelf, row(1, from_number="…89"), row(2, from_number="+15550006789"), row(3, from_number="…88"),
        row(4, from_number="…11", to_number="…89"),
    )  # fmt: skip
    assert sids(shelf, number="89") == [4, 2, 1]
    assert sids(shelf, number="+1 555 000 6789") == [4, 2, 1]
    assert sids(shelf, number="7789") == [4, 1]
    assert sids(shelf, number="%") == []


def test_a_whole_number_with_its_tag_is_one_caller(shelf: SqlShelf) -> None:
    """Not all whose last two digits are the same; and calls to that number."""
    put(shelf, row(1), row(2, caller_tag="b" * 32), row(3, caller_tag="", to_number="…89"))
    assert sids(shelf, number="+15550006789", tags=(TAG,)) == [3, 1]


def test_a_caller_is_forgotten_by_tag_or_by_number(shelf: SqlShelf) -> None:
    """All of theirs and nobody else's."""
    put(shelf, row(1), row(2, caller_tag="b" * 32), row(3, caller_tag="", from_number="+15550006789"))
    theirs = shelf.of_caller([TAG], "+15550006789")
    assert sorted(theirs) == [row(1).call_sid, row(3).call_sid]
    assert shelf.of_caller([], "+15550006789") == [row(3).call_sid]
    assert shelf.delete(theirs) == 2
    assert sids(shelf) == [2]


def test_what_was_forgotten_cannot_be_put_for_a_day(shelf: SqlShelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another one can; what somebody put and could not take back goes with what is old."""
    put(shelf, row(1))
    assert shelf.delete([row(1).call_sid, row(2).call_sid]) == 1
    assert [shelf.put(row(number), b"x") for number in (1, 2, 3)] == [False, False, True]
    assert sids(shelf) == [3]
    later_ms = wall_ms() + FORGOTTEN_MS + 1
    monkeypatch.setattr("console.archive.sql.wall_ms", lambda: later_ms)
    shelf.expire(0)
    assert shelf.put(row(1), b"x")


def test_one_that_is_forgotten_while_it_is_put_does_not_stay(
    shelf: SqlShelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After whoever puts it has looked, and before it is there; and where they were killed then."""
    ask = SqlShelf._ask

    def ask_and_forget(self: SqlShelf, statement: str, values: Sequence[object]) -> list[Any]:
        found = ask(self, statement, values)
        self.delete([row(1).call_sid])
        return found

    with monkeypatch.context() as patched:
        patched.setattr(SqlShelf, "_ask", ask_and_forget)
        assert not shelf.put(row(1), b"x")
    assert sids(shelf) == []
    with monkeypatch.context() as patched:
        patched.setattr(SqlShelf, "_ask", lambda *_: [])
        patched.setattr("console.archive.sql.SWEEP", "DELETE FROM trunkline_calls WHERE 1 = 0")
        shelf.put(row(1), b"x")
    assert sids(shelf) == [1]
    shelf.expire(0)
    assert sids(shelf) == []


def test_what_is_too_old_goes(shelf: SqlShelf) -> None:
    """By when it ended."""
    put(shelf, row(1), row(2), row(3))
    assert shelf.expire(2_500) == 1
    assert sids(shelf) == [3, 2]


def test_nothing_that_is_searched_for_is_a_statement(shelf: SqlShelf) -> None:
    """Whatever stands in the form."""
    put(shelf, row(1))
    for words in ("'; DROP TABLE trunkline_calls; --", "?", "%s", '"'):
        assert sids(shelf, agent=words) == []
        assert sids(shelf, number=words) == []
    assert sids(shelf) == [1]


def test_many_threads_ask_one_shelf(shelf: SqlShelf) -> None:
    """A page and the writer of one process."""
    threads = [threading.Thread(target=put, args=(shelf, row(number))) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sids(shelf)) == 20


def test_the_file_is_its_users_alone(tmp_path: Path) -> None:
    """What was said stands in it."""
    made = open_shelf(f"sqlite:///{tmp_path}/run/calls.sqlite")
    put(made, row(1))
    made.close()
    assert stat.S_IMODE((tmp_path / "run").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "run" / "calls.sqlite").stat().st_mode) & 0o077 == 0


def test_nothing_of_what_is_forgotten_stays_in_the_file(tmp_path: Path) -> None:
    """Neither in a page that is free now: somebody may have asked for it to go."""
    made, said = open_shelf(f"sqlite:///{tmp_path}/calls.sqlite"), b"My card is lost. " * 1_000
    made.put(row(1), said)
    made.close()
    assert said[:17] in (tmp_path / "calls.sqlite").read_bytes()
    assert made.delete([row(1).call_sid]) == 1
    made.close()
    assert said[:17] not in (tmp_path / "calls.sqlite").read_bytes()


def test_an_archive_of_another_version_is_left_alone(tmp_path: Path) -> None:
    """It says what to do."""
    made = open_shelf(f"sqlite:///{tmp_path}/calls.sqlite")
    put(made, row(1))
    made.close()
    with sqlite3.connect(tmp_path / "calls.sqlite") as raw:
        raw.execute("UPDATE trunkline_archive SET version = 99")
    raw.close()
    again = open_shelf(f"sqlite:///{tmp_path}/calls.sqlite")
    with pytest.raises(ShelfError, match="expected version 1"):
        again.newest_ms()
    again.close()


def test_an_archive_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """And is tried again at the next question."""
    (tmp_path / "file").write_text("not a folder")
    made = open_shelf(f"sqlite:///{tmp_path}/file/calls.sqlite")
    with pytest.raises(ShelfError, match="does not answer"):
        made.newest_ms()


def test_what_a_driver_says_is_not_told(tmp_path: Path) -> None:
    """It may have the server's address and user in it."""

    def refuse() -> object:
        raise sqlite3.OperationalError('connection to "10.1.2.3" failed for user "app"')

    made = SqlShelf(refuse, "?", "BLOB", (sqlite3.Error,), "postgresql://db/calls")
    with pytest.raises(ShelfError, match="does not answer: OperationalError") as told:
        made.newest_ms()
    assert "10.1.2.3" not in str(told.value)
    assert "app" not in str(told.value)


def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the extra that brings it."""
    monkeypatch.setattr("importlib.import_module", _none)
    with pytest.raises(ShelfError, match=r"\[postgres\]"):
        open_shelf("postgresql://app@db/calls")


def _none(name: str) -> object:
    raise ImportError(name)
