"""`trunkline top`: all calls and workers on one screen, and the keys to act on them.

Why it exists: at three in the morning one looks before one types. Owns: the terminal (raw mode, its own
screen, resizing), the rhythm of reading and drawing. Must not know: what a key does (state.py), how anything
looks (view.py), how a call is read or hung up (calls/live.py).

Drawing is one write of the whole screen, over what is there: nothing is cleared, so nothing flickers.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import termios
import tty
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from rich.console import Console, ConsoleDimensions, Group
from rich.live import Live

from console import leave
from console.calls import audit, data, ending, live
from console.calls.beats import BeatWatch
from console.style import make_console
from console.top.keys import KeyReader
from console.top.state import Act, Drain, EndCall, Quit, Snapshot, TopState, press, settle, short
from console.top.view import draw, most_scroll
from shared.clock import wall_ms
from shared.contract.keys import Keys
from shared.contract.streams.audit import Deed
from shared.contract.streams.journal import JournalEntry
from shared.exit_codes import Exit
from shared.process.tasks import cancel_all
from shared.store.client import Store, make_store
from shared.store.errors import STORE_ERRORS

ESCAPE_PAUSE_S = 0.05
"""What belongs to an escape sequence comes within this; over a slow line too, since it is one packet."""

ACT_WITHIN_S = 1.0
JOURNAL_ENTRIES = 200
STORE_TIMEOUT_S = 2.0


Reading = Callable[[], Awaitable[live.Look]]


async def read(reading: Reading, watch: BeatWatch, before: Snapshot) -> Snapshot:
    """What there is now; when Redis is away, what there was, and why. Never raises for Redis's fault.

    Cancelling is safe.
    """
    try:
        found = await reading()
    except STORE_ERRORS as error:
        watch.missed()
        return replace(before, trouble=f"Redis does not answer ({leave.in_words(error)})")
    return Snapshot(at_ms=wall_ms(), calls=tuple(found.calls), workers=tuple(found.workers))


def as_json(snapshot: Snapshot) -> str:
    """A snapshot for programs. Cards are left out: `trunkline show SID --json` has them."""
    found = data.snapshot_data(snapshot.at_ms, snapshot.calls, snapshot.workers, snapshot.trouble)
    return json.dumps(found, ensure_ascii=False, indent=2)


async def once(redis_url: str, *, as_data: bool) -> int:
    """Prints one screen, or one snapshot as JSON. Returns an exit code. Cancelling is safe."""
    async with _opened(redis_url) as (store, keys):
        snapshot = await read(lambda: live.look_closely(store, keys), BeatWatch(), Snapshot())
    if snapshot.trouble:
        leave.complain(f"{snapshot.trouble}. Is REDIS_URL right?")
        return Exit.FAILED
    if as_data:
        print(as_json(snapshot))
        return Exit.OK
    console = make_console()
    state = settle(TopState(), snapshot)
    for line in draw(state, snapshot, console.width, max(24, console.height))[:-1]:
        console.print(line, no_wrap=True, crop=True)
    return Exit.OK


async def run(redis_url: str, interval_s: float, means: ending.Means) -> int:
    """Shows the screen until q. `means`: to end a call with. Raises LookupError when there is no terminal.

    Cancelled, it puts the terminal back as it was.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise LookupError("expected a terminal; for a pipe or a file use `trunkline top --once` or `--json`")
    async with _opened(redis_url) as (store, keys):
        await _Screen(store=store, keys=keys, interval_s=interval_s, means=means).run()
    return Exit.OK


# Private.


@contextlib.asynccontextmanager
async def _opened(redis_url: str) -> AsyncIterator[tuple[Store, Keys]]:
    store = make_store(redis_url, name="console", timeout_s=STORE_TIMEOUT_S)
    try:
        yield store, await live.make_keys(store)
    finally:
        await store.aclose()


@dataclass(slots=True, kw_only=True)
class _Screen:
    """The driver: keys, ticks and resizes all end in one place, `_draw`."""

    store: Store
    keys: Keys
    interval_s: float
    means: ending.Means
    watch: BeatWatch = field(default_factory=BeatWatch)
    state: TopState = field(default_factory=TopState)
    snapshot: Snapshot = field(default_factory=Snapshot)
    journal: list[JournalEntry] = field(default_factory=list)
    reader: KeyReader = field(default_factory=KeyReader)
    _width: int = 0
    _height: int = 0
    """The size of what was drawn last."""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _read_now: asyncio.Event = field(default_factory=asyncio.Event)
    _ended: bool = False
    _acts: set[asyncio.Task[None]] = field(default_factory=set)
    _escape: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        console = Console(highlight=False, emoji=False)
        await self._read()
        reading = asyncio.create_task(self._keep_reading())
        reading.add_done_callback(lambda _: self._changed.set())
        try:
            with (
                _raw(sys.stdin.fileno()),
                self._listening(),
                Live(console=console, screen=True, auto_refresh=False, vertical_overflow="crop") as shown,
            ):
                while not self._ended:
                    self._draw(console, shown)
                    await self._changed.wait()
                    self._changed.clear()
                    if reading.done():
                        reading.result()
        finally:
            await cancel_all([reading])
            if self._acts:  # What was asked for is under way; to see it done is not waited for.
                await asyncio.wait(self._acts, timeout=ACT_WITHIN_S)
                await cancel_all(list(self._acts))

    def _draw(self, console: Console, shown: Live) -> None:
        # The terminal's own word: COLUMNS and LINES of a shell are as old as the shell's last prompt.
        width, height = os.get_terminal_size(sys.stdout.fileno())
        if width and height:  # A serial line does not say.
            console.size = ConsoleDimensions(width, height)
        self._width, self._height = console.width, console.height
        lines = draw(self.state, self.snapshot, console.width, console.height, self.journal)
        for line in lines:
            line.no_wrap = True
        shown.update(Group(*lines), refresh=True)

    # What comes in.

    @contextlib.contextmanager
    def _listening(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        loop.add_reader(sys.stdin.fileno(), self._on_bytes)
        loop.add_signal_handler(signal.SIGWINCH, self._changed.set)
        try:
            yield
        finally:
            loop.remove_reader(sys.stdin.fileno())
            loop.remove_signal_handler(signal.SIGWINCH)

    def _on_bytes(self) -> None:
        data = os.read(sys.stdin.fileno(), 1024)
        if not data:  # The terminal is gone.
            self._ended = True
            self._changed.set()
            return
        self._press(self.reader.feed(data))
        if self._escape is not None:
            self._escape.cancel()
        if self.reader.is_pending:
            loop = asyncio.get_running_loop()
            self._escape = loop.call_later(ESCAPE_PAUSE_S, lambda: self._press(self.reader.quiet()))

    def _press(self, keys: list[str]) -> None:
        for key in keys:
            opened = self._opened_call()
            most = most_scroll(self.state, self.snapshot, self._width, self._height, self.journal)
            self.state, act = press(self.state, key, self.snapshot, most)
            if act is not None:
                self._act(act)
            if self._opened_call() != opened:
                self.journal = []
                self._read_now.set()
        if keys:
            self._changed.set()

    def _opened_call(self) -> str:
        return self.state.call_sid if self.state.view == "call" else ""

    async def _keep_reading(self) -> None:
        """Reads, again and again; a key that opens a call makes it read at once."""
        while True:
            opened = self._opened_call()
            await self._read()
            if opened:
                # Redis's silence stands on the screen already: read() has put it there.
                with contextlib.suppress(*STORE_ERRORS):
                    journal = await live.read_newest_journal(self.store, self.keys, opened, JOURNAL_ENTRIES)
                    if opened == self._opened_call():
                        self.journal = journal
            self._changed.set()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.interval_s):
                    await self._read_now.wait()
            self._read_now.clear()

    async def _read(self) -> None:
        self.snapshot = await read(
            lambda: live.look(self.store, self.keys, self.watch), self.watch, self.snapshot
        )
        self.state = settle(self.state, self.snapshot)

    # What goes out.

    def _act(self, act: Act) -> None:
        match act:
            case Quit():
                self._ended = True
            case EndCall(call_sid):
                self._spawn(self._hang_up(call_sid))
            case Drain(worker):
                self._spawn(self._drain(worker))

    async def _hang_up(self, call_sid: str) -> str:
        # What was read last was judged by our own clock: one more look could only compare wall clocks.
        call = next((each for each in self.snapshot.calls if each.call_sid == call_sid), None)
        call = call or await live.read_call(self.store, self.keys, call_sid)
        if call is None:
            return "not done: it is gone already"
        became = await ending.hang_up(self.store, self.keys, call, self.means, within_s=ending.WITHIN_S)
        await audit.note(
            self.store, Deed.HANG_UP, by=audit.whoever(), of=call_sid, words=became.words, ok=became.done
        )
        return f"{short(call_sid)} {became.words}"

    async def _drain(self, worker: str) -> str:
        is_told = await live.drain(self.store, self.keys, worker)
        await audit.note(self.store, Deed.DRAIN, by=audit.whoever(), of=worker, ok=is_told)
        return self.state.note if is_told else "not done: it is gone already"

    def _spawn(self, act: Coroutine[Any, Any, str]) -> None:
        task = asyncio.create_task(self._done(act))
        self._acts.add(task)
        task.add_done_callback(self._acts.discard)

    async def _done(self, act: Coroutine[Any, Any, str]) -> None:
        try:
            self.state = replace(self.state, note=await act)
        except STORE_ERRORS as error:
            self.state = replace(self.state, note=f"not done: {error}")
        self._read_now.set()
        self._changed.set()


@contextlib.contextmanager
def _raw(descriptor: int) -> Iterator[None]:
    """Keys one by one, without echo; the terminal is put back in every case."""
    before = termios.tcgetattr(descriptor)
    tty.setraw(descriptor)
    # Output as usual: rich ends lines with \n alone.
    now = termios.tcgetattr(descriptor)
    now[1] = before[1]
    termios.tcsetattr(descriptor, termios.TCSADRAIN, now)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
