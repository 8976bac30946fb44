"""A shelf in SQLite or PostgreSQL: one table, one row a call.

Why it exists: the two differ in how a value is put into a statement and in the name of a type, and in
nothing else that is used here. Owns: the statements, the table and its version, connections. Must not know:
what is in a row's packed part, when calls are put. One lock serves all threads: what is asked here is asked
by few people, seldom.
"""

from __future__ import annotations

import importlib
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import astuple, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from console.archive.kept import KeptCall, WholeCall, unpack
from console.archive.shelf import Choices, Page, Search, ShelfError
from shared.clock import wall_ms
from shared.forms import url_shown
from shared.setting.forms import SQLITE

T = TypeVar("T")

VERSION = 1
"""Of the table. A newer one is not touched by an older program."""

COLUMNS = tuple(each.name for each in fields(KeptCall))
AT_ONCE = 200
BUSY_S = 5.0
"""How long one program waits for another's write."""

TABLE = """
CREATE TABLE IF NOT EXISTS trunkline_calls (
    call_sid TEXT PRIMARY KEY, started_at_ms BIGINT NOT NULL, ended_at_ms BIGINT NOT NULL,
    from_number TEXT NOT NULL, to_number TEXT NOT NULL, caller_tag TEXT NOT NULL, agent TEXT NOT NULL,
    outcome TEXT NOT NULL, cause TEXT NOT NULL, owed_ms BIGINT NOT NULL, response_ms BIGINT,
    cost_micros BIGINT, told {blob} NOT NULL)
"""
MORE = (
    "CREATE INDEX IF NOT EXISTS trunkline_calls_ended ON trunkline_calls (ended_at_ms DESC)",
    "CREATE INDEX IF NOT EXISTS trunkline_calls_tag ON trunkline_calls (caller_tag)",
    "CREATE TABLE IF NOT EXISTS trunkline_archive (version BIGINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS trunkline_forgotten (call_sid TEXT PRIMARY KEY, at_ms BIGINT NOT NULL)",
)
FORGOTTEN_MS = 86_400_000
"""How long a forgotten call cannot be put. Redis has it for an hour at most; then nobody can read it."""

SWEEP = "DELETE FROM trunkline_calls WHERE call_sid IN (SELECT call_sid FROM trunkline_forgotten)"


@dataclass(slots=True)
class SqlShelf:
    """See console.archive.shelf.Shelf. `connect` opens one connection of a DB-API driver."""

    connect: Callable[[], Any]
    mark: str
    """How a statement says that a value comes here."""
    blob: str
    errors: tuple[type[Exception], ...]
    where: str
    """For messages."""
    _connection: Any = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, row: KeptCall, packed: bytes) -> bool:
        """Keeps a call; one that is kept already is what it is now. False: it was forgotten meanwhile, and
        is not kept.

        It is looked for among the forgotten once more after it was put: whoever forgets says so first, and
        deletes then, so that one of the two sees what the other has done, in whatever order they come.
        """
        if self._ask("SELECT 1 FROM trunkline_forgotten WHERE call_sid = ?", (row.call_sid,)):
            return False
        names = (*COLUMNS, "told")
        marks = ", ".join("?" for _ in names)
        again = ", ".join(f"{name} = excluded.{name}" for name in names[1:])
        self._run(
            f"INSERT INTO trunkline_calls ({', '.join(names)}) VALUES ({marks})"
            f" ON CONFLICT (call_sid) DO UPDATE SET {again}",
            (*astuple(row), packed),
        )
        return not self._run(f"{SWEEP} AND call_sid = ?", (row.call_sid,))

    def known(self, call_sids: Collection[str]) -> set[str]:
        """Which of these are kept."""
        found: set[str] = set()
        listed = list(call_sids)
        for start in range(0, len(listed), AT_ONCE):
            part = listed[start : start + AT_ONCE]
            marks = ", ".join("?" for _ in part)
            rows = self._ask(f"SELECT call_sid FROM trunkline_calls WHERE call_sid IN ({marks})", part)
            found.update(row[0] for row in rows)
        return found

    def newest_ms(self) -> int:
        """When the newest call that is kept ended; 0: there is none."""
        ((newest,),) = self._ask("SELECT max(ended_at_ms) FROM trunkline_calls", ())
        return int(newest or 0)

    def find(self, search: Search) -> Page:
        """Calls that fit."""
        wheres, values = ["ended_at_ms >= ?"], [search.since_ms]
        for where, more in _conditions(search):
            wheres.append(where)
            values += more
        rows = self._ask(
            f"SELECT {', '.join(COLUMNS)} FROM trunkline_calls WHERE {' AND '.join(wheres)}"
            " ORDER BY ended_at_ms DESC, call_sid LIMIT ?",
            (*values, search.limit + 1),
        )
        calls = [_row(row) for row in rows[: search.limit]]
        return Page(calls=calls, has_more=len(rows) > search.limit)

    def choices(self) -> Choices:
        """Words of all that is kept, for the form of a search."""

        def words(column: str) -> list[str]:
            rows = self._ask(f"SELECT DISTINCT {column} FROM trunkline_calls ORDER BY {column} LIMIT 200", ())
            return [row[0] for row in rows if row[0]]

        return Choices(agents=words("agent"), outcomes=words("outcome"), causes=words("cause"))

    def read(self, call_sid: str) -> WholeCall | None:
        """All of one call; None: it is not kept. Raises ContractError for one that cannot be read."""
        names = ", ".join((*COLUMNS, "told"))
        rows = self._ask(f"SELECT {names} FROM trunkline_calls WHERE call_sid = ?", (call_sid,))
        return unpack(_row(rows[0]), bytes(rows[0][-1])) if rows else None

    def of_caller(self, tags: Collection[str], number: str) -> list[str]:
        """Calls of one caller: by tags of theirs, or by the number in full where it is not masked."""
        marks = ", ".join("?" for _ in tags)
        tagged = f"caller_tag IN ({marks}) OR " if tags else ""
        rows = self._ask(
            f"SELECT call_sid FROM trunkline_calls WHERE {tagged}from_number = ?", (*tags, number)
        )
        return [row[0] for row in rows]

    def delete(self, call_sids: Iterable[str]) -> int:
        """Forgets calls; returns how many there were. For FORGOTTEN_MS none of them can be put."""
        sids, now_ms = list(call_sids), wall_ms()
        for sid in sids:
            self._run(
                "INSERT INTO trunkline_forgotten (call_sid, at_ms) VALUES (?, ?)"
                " ON CONFLICT (call_sid) DO UPDATE SET at_ms = excluded.at_ms",
                (sid, now_ms),
            )
        return sum(self._run("DELETE FROM trunkline_calls WHERE call_sid = ?", (sid,)) for sid in sids)

    def expire(self, before_ms: int) -> int:
        """Forgets calls that ended before; returns how many there were."""
        self._run(SWEEP, ())  # Whoever put one of them may have been killed before it looked again.
        self._run("DELETE FROM trunkline_forgotten WHERE at_ms < ?", (wall_ms() - FORGOTTEN_MS,))
        return self._run("DELETE FROM trunkline_calls WHERE ended_at_ms < ?", (before_ms,))

    def close(self) -> None:
        """Lets go of it."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    # Private.

    def _ask(self, statement: str, values: Sequence[object]) -> list[Any]:
        def work(connection: Any) -> list[Any]:
            return list(self._execute(connection, statement, values).fetchall())

        return self._with(work)

    def _run(self, statement: str, values: Sequence[object]) -> int:
        def work(connection: Any) -> int:
            changed = self._execute(connection, statement, values).rowcount
            connection.commit()
            return int(changed)

        return self._with(work)

    def _execute(self, connection: Any, statement: str, values: Sequence[object]) -> Any:
        if self.mark != "?":  # Its driver takes a percent sign for the beginning of a mark.
            statement = statement.replace("%", "%%").replace("?", self.mark)
        return connection.execute(statement, tuple(values))

    def _with(self, work: Callable[[Any], T]) -> T:
        """On the one connection; a server that was away is connected to again at the next question."""
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._opened()
                found = work(self._connection)
                self._connection.commit()  # A question begins a transaction too, in some drivers.
            except self.errors as error:
                self._let_go()
                # Not in the driver's words: they may have the server's address, a user, a statement.
                why = type(error).__name__
                raise ShelfError(
                    f"the archive at {self.where} does not answer: {why}. Expected is a file or a server that"
                    " this user may write to: see TRUNKLINE_ARCHIVE_URL"
                ) from None
            return found

    def _opened(self) -> Any:
        connection = self.connect()
        connection.execute(TABLE.format(blob=self.blob))
        for statement in MORE:
            connection.execute(statement)
        rows = connection.execute("SELECT version FROM trunkline_archive").fetchall()
        if not rows:
            connection.execute(f"INSERT INTO trunkline_archive (version) VALUES ({VERSION})")
        connection.commit()
        if rows and rows[0][0] != VERSION:
            connection.close()
            raise ShelfError(
                f"expected version {VERSION} of the archive at {self.where}, got {rows[0][0]}: it is another"
                " version of Trunkline's. Use that, or another TRUNKLINE_ARCHIVE_URL."
            )
        return connection

    def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except self.errors:
                return  # It is of no use either way.


def open_shelf(url: str) -> SqlShelf:
    """The archive of a setting; nothing is opened yet. Raises ShelfError where a driver is missing."""
    if url.startswith(SQLITE):
        return _sqlite(Path(url.removeprefix(SQLITE)).expanduser())
    try:
        psycopg = importlib.import_module("psycopg")
    except ImportError:
        raise ShelfError(
            "expected the package psycopg for an archive in PostgreSQL, got none:"
            " pip install -e '.[postgres]'"
        ) from None
    return SqlShelf(
        lambda: psycopg.connect(url, connect_timeout=round(BUSY_S)), "%s", "BYTEA", (psycopg.Error, OSError),
        url_shown(url),
    )  # fmt: skip


# Private.


def _sqlite(path: Path) -> SqlShelf:
    def connect() -> sqlite3.Connection:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)  # What was said stands there: this user's alone.
        connection = sqlite3.connect(path, timeout=BUSY_S, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA secure_delete=ON")  # What is forgotten stays in no free page of the file.
        return connection

    return SqlShelf(connect, "?", "BLOB", (sqlite3.Error, OSError), str(path))


def _row(row: Sequence[Any]) -> KeptCall:
    return KeptCall(**dict(zip(COLUMNS, row, strict=False)))


def _conditions(search: Search) -> Iterable[tuple[str, list[Any]]]:
    if search.before is not None:
        ended_at_ms, call_sid = search.before
        yield "(ended_at_ms < ? OR (ended_at_ms = ? AND call_sid > ?))", [ended_at_ms, ended_at_ms, call_sid]
    for column, wanted in (("agent", search.agent), ("outcome", search.outcome), ("cause", search.cause)):
        if wanted:
            yield f"{column} = ?", [wanted]
    digits = "".join(each for each in search.number if each.isalnum())
    if not search.number:
        return
    if not digits:  # Nothing of a number: it would fit every one.
        yield "1 = 0", []
        return
    # Of a masked number only its end is known: a longer one fits if it agrees with that.
    end = "({0} LIKE ? OR ({0} LIKE '…%' AND length({0}) > 1 AND ? LIKE '%' || substr({0}, 2)))"
    called, caller = end.format("to_number"), end.format("from_number")
    if search.tags:
        marks = ", ".join("?" for _ in search.tags)
        yield f"(caller_tag IN ({marks}) OR {called})", [*search.tags, f"%{digits}", digits]
    else:
        yield f"({caller} OR {called})", [f"%{digits}", digits] * 2
