"""What was said on a call, as it was heard: for the next session, for the transcript.

Why it exists: the model writes its words seconds before they are spoken, and an interruption leaves words
that nobody heard. What counts is the caller's ear. Audio has no words in it, so that the words heard are
found by interpolation over time.

Owns: the order of the conversation, the words heard of each item. Pure. It is made of facts as they happen,
or of the entries of `history`. Must not know: Redis, the model's wire, where a text can be cut (words), how
fast this model speaks (pace), what a past that is too long loses (budget).

The text of an item that was made to its end lasts as long as its audio. Any other text has run ahead of its
audio, nobody knows how far: of it counts no more than this model says in so much time.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field

from brain.memory.budget import BEGINNING_LOST, within
from brain.memory.items import (
    KEYS_ROLE,
    KnownItem,
    KnownTool,
    item_entries,
    told_as,
    tool_entries,
    tool_items,
)
from brain.model.engine import SeedItem
from shared.contract.streams.history import (
    HistoryEntry,
    ItemEntry,
    ItemHeard,
    ItemLength,
    KeysPressed,
    NoticeSaid,
    Overheard,
    QuietUntil,
    ToolEntry,
    ToolState,
)
from shared.heard import words
from shared.heard.pace import Pace

AWAITED_ITEMS = 4
"""Of the newest items a text may still come; that of an older one is lost."""

ELLIPSIS = "…"
"""Stands where the caller stopped listening."""

INAUDIBLE = "[The caller said something that was not transcribed.]"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the transcript. `role`: user, assistant, or tool.

    `text` is what was heard; `whole`: all of it. Of a tool: its name and what became of it. `agent`: whose it
    is; empty: the caller's, or nobody knows.
    """

    role: str
    text: str
    item_id: str
    whole: bool = True
    agent: str = ""


@dataclass(slots=True)
class Conversation:
    """The conversation of one call, in order."""

    is_beginning_lost: bool = False
    """More was said than is known any more."""
    agent: str = ""
    """Who answers: whose items and tools are that begin from now on."""
    _pace: Pace = field(default_factory=Pace)
    _entries: dict[str, KnownItem | KnownTool] = field(default_factory=dict)
    _quiet_until_ms: int = 0
    """By the clock on the wall."""
    _quiet_from: int = 0
    """How many entries stood when the caller asked for a moment."""

    @classmethod
    def of(cls, entries: Iterable[HistoryEntry]) -> Conversation:
        """The conversation that the entries of `history` tell, in their order."""
        conversation = cls()
        for entry in entries:
            conversation.receive(entry)
        return conversation

    def receive(self, entry: HistoryEntry) -> None:
        """One entry of `history`."""
        match entry:
            case ItemEntry():
                item = self._item(entry.item_id, entry.role)
                item.text, item.final, item.agent = entry.text, entry.final, entry.agent or ""
                self._measure(item)
            case ItemLength():
                self.item_ms(entry.item_id, entry.ms)
            case NoticeSaid():
                self.notice(entry.item_id)
            case ItemHeard():
                self.heard(entry.item_id, entry.ms, entry.of_ms, entry.complete)
            case KeysPressed():
                self.keys(entry.item_id, entry.text)
            case ToolEntry():
                self.tool(entry.call_id, entry.name, entry.state, entry.value).agent = entry.agent or ""
            case QuietUntil():
                self.quiet_until(entry.at_ms)
            case Overheard():
                self.overheard(entry.item_id)

    # Facts, as they happen.

    def user_item(self, item_id: str) -> None:
        """The caller's turn is an item; its text may come."""
        self._item(item_id, "user")

    def user_text(self, item_id: str, said: str) -> None:
        """The caller's item has its text; empty: it will have none."""
        item = self._item(item_id, "user")
        item.text, item.final = said, True

    def overheard(self, item_id: str) -> None:
        """What the caller said there was no turn; it may come before the item itself."""
        self._item(item_id, "user").is_aside = True

    def notice(self, item_id: str) -> None:
        """What is said next for the model is a recording: it has its text and its length at once."""
        self._item(item_id, "assistant").is_notice = True

    def keys(self, item_id: str, typed: str) -> None:
        """What the caller pressed, as the model was told."""
        item = self._item(item_id, KEYS_ROLE)
        item.text, item.final = typed, True

    def model_delta(self, item_id: str, delta: str) -> None:
        """The model's text grows; it leads the audio."""
        item = self._item(item_id, "assistant")
        if not item.final:
            item.text += delta
            item.is_live = True

    def model_text(self, item_id: str, said: str) -> None:
        """The model's text is whole; empty: what grew is all of it."""
        item = self._item(item_id, "assistant")
        item.text, item.final, item.is_live = said or item.text, True, False
        self._measure(item)

    def session_lost(self) -> list[tuple[str, str]]:
        """No more text comes. What ran ahead of its audio was never said: it is cut to the audio that there
        is. Returns the items whose text is another one now, with it."""
        cut: list[tuple[str, str]] = []
        for item in self._entries.values():
            if not isinstance(item, KnownItem) or not item.is_live:
                continue
            item.is_live = False
            if item.heard_ms is None:
                kept = words.beginning(item.text, (item.total_ms or 0) / self._pace.letter_ms)
                item.text, item.final = f"{kept}{ELLIPSIS}" if kept else "", True
                cut.append((item.item_id, item.text))
        return cut

    def item_ms(self, item_id: str, total_ms: int) -> None:
        """The model's item has all its audio."""
        item = self._item(item_id, "assistant")
        item.total_ms = total_ms
        self._measure(item)

    def heard(self, item_id: str, heard_ms: int, received_ms: int, complete: bool) -> None:
        """How much of an item was heard, final."""
        item = self._item(item_id, "assistant")
        item.heard_ms, item.heard_of_ms = heard_ms, received_ms
        if complete and item.total_ms is None:
            item.total_ms = received_ms

    def tool(self, call_id: str, name: str, state: ToolState, value: str) -> KnownTool:
        """A tool was called (`value`: its arguments) or has its result (`value`: the output)."""
        key = f"tool {call_id}"
        found = self._entries.get(key)
        tool = found if isinstance(found, KnownTool) else KnownTool(call_id, name, agent=self.agent)
        self._entries[key] = tool
        match state:
            case ToolState.STARTED:
                tool.arguments = value
            case ToolState.RESULT:
                tool.output = value
        return tool

    def quiet_until(self, at_ms: int) -> None:
        """The caller has asked for a moment: nothing need be said to what was said and done so far."""
        self._quiet_until_ms, self._quiet_from = at_ms, len(self._entries)

    # Questions.

    @property
    def is_empty(self) -> bool:
        """Whether nothing was said or done yet."""
        return not self._entries

    def agent_of(self, key: str) -> str:
        """Whose an item or a tool's call is, by name; of one that is not known: who answers now."""
        found = self._entries.get(key) or self._entries.get(f"tool {key}")
        return self.agent if found is None else found.agent

    def tool_state(self, call_id: str) -> ToolState | None:
        """How far a tool has come; None: it is not known."""
        found = self._entries.get(f"tool {call_id}")
        if not isinstance(found, KnownTool):
            return None
        return ToolState.STARTED if found.output is None else ToolState.RESULT

    @property
    def has_notices(self) -> bool:
        """Whether a recording was said, or is to be heard."""
        return any(isinstance(entry, KnownItem) and entry.is_notice for entry in self._entries.values())

    @property
    def has_words(self) -> bool:
        """Whether anybody has said, typed or done anything that counts."""
        return any(not isinstance(entry, KnownItem) or entry.counts for entry in self._entries.values())

    def is_decided(self, item_id: str) -> bool:
        """Whether it is known what was heard of an item."""
        item = self._entries.get(item_id)
        return isinstance(item, KnownItem) and item.heard_ms is not None

    @property
    def undecided(self) -> dict[str, int | None]:
        """The model's items of which it is not known what was heard: how long each is, if that is known."""
        items = (entry for entry in self._entries.values() if isinstance(entry, KnownItem))
        return {
            item.item_id: item.total_ms
            for item in items
            if item.role == "assistant" and item.heard_ms is None
        }

    @property
    def open_tools(self) -> dict[str, str]:
        """Tools without a result, in order: their names by call."""
        tools = (entry for entry in self._entries.values() if isinstance(entry, KnownTool))
        return {tool.call_id: tool.name for tool in tools if tool.output is None}

    def since_answer(self, sounding: Collection[str]) -> list[tuple[str, bool]]:
        """What was said or done since the model last spoke: item or call, and whether its text is known.
        `sounding`: items that have audio, though nobody has noted how much."""
        since: list[tuple[str, bool]] = []
        for entry in self._since_quiet():
            if isinstance(entry, KnownTool):
                since.append((entry.call_id, True))
            elif entry.role != "assistant":
                if not entry.is_aside:
                    since.append((entry.item_id, entry.final))
            elif not entry.is_notice and (entry.total_ms or entry.heard_ms or entry.item_id in sounding):
                since.clear()
        return since

    @property
    def quiet_until_ms(self) -> int:
        """Until when the caller waits for no word, by the clock on the wall; 0: they do, or have spoken
        since."""
        has_spoken = any(
            isinstance(entry, KnownItem) and entry.role != "assistant" for entry in self._since_quiet()
        )
        return 0 if has_spoken else self._quiet_until_ms

    def revive(self) -> None:
        """What was recalled is of a session that is gone, like the brain that noted it: a text that was still
        growing has run ahead of its audio (see `session_lost`)."""
        for entry in self._entries.values():
            if isinstance(entry, KnownItem) and entry.role == "assistant" and not entry.final:
                entry.is_live = True

    @property
    def awaits_words(self) -> bool:
        """Whether a turn of the caller has no text yet, and may get one."""
        newest = [entry for entry in self._entries.values() if isinstance(entry, KnownItem)][-AWAITED_ITEMS:]
        return any(item.role == "user" and not item.final and not item.is_aside for item in newest)

    def entries(self) -> Iterator[HistoryEntry]:
        """All of it as entries of `history`, in order: for a Redis that has lost them."""
        for number, entry in enumerate(self._entries.values(), 1):
            yield from tool_entries(entry) if isinstance(entry, KnownTool) else item_entries(entry)
            if self._quiet_until_ms and number == self._quiet_from:
                yield QuietUntil(at_ms=self._quiet_until_ms)

    def takes_text(self, item_id: str, *, whole: bool) -> bool:
        """Whether text of a model's item still counts. Once it is known what was heard, what straggles in is
        of audio that nobody got, and would stretch the words over too little time. Only the whole text of an
        item that was made to its end may still come."""
        item = self._entries.get(item_id)
        if not isinstance(item, KnownItem) or item.heard_ms is None or not item.text:
            return True
        return whole and item.total_ms is not None

    def heard_text(self, item_id: str, heard_ms: int) -> str:
        """The words of an item that fit into its first `heard_ms`; empty if there are none."""
        item = self._entries.get(item_id)
        if not isinstance(item, KnownItem) or heard_ms <= 0:
            return ""
        said, whole = self._heard_words(item, heard_ms)
        return said if whole or not said else f"{said}{ELLIPSIS}"

    def told_text(self, item_id: str, heard_ms: int | None = None) -> str:
        """What a session is told of an item: its words as far as they were heard, or may still be."""
        item = self._entries.get(item_id)
        if not isinstance(item, KnownItem):
            return ""
        heard_ms = item.heard_ms if heard_ms is None else heard_ms
        words_heard = item.text if heard_ms is None else self.heard_text(item_id, heard_ms)
        return told_as(item, words_heard).text if words_heard else ""

    def lines(self, playhead: tuple[str, int] | None = None) -> list[Line]:
        """The transcript as heard. `playhead`: item and ms where playing stood when nobody decided any
        more (the end of the call); what stands behind it was not heard, what stands before it was."""
        lines: list[Line] = []
        passed = False
        for entry in self._entries.values():
            if isinstance(entry, KnownTool):
                lines.append(Line("tool", entry.name, entry.call_id, entry.output is not None, entry.agent))
                continue
            if entry.role == KEYS_ROLE:
                continue  # A model must know them; people who read transcripts need not.
            if entry.role != "assistant":
                if entry.text or not entry.is_aside:
                    lines.append(Line("user", entry.text, entry.item_id))
                continue
            heard_ms = entry.heard_ms
            if heard_ms is None and playhead is not None:
                is_here = entry.item_id == playhead[0]
                heard_ms = playhead[1] if is_here else (0 if passed else None)
                passed = passed or is_here
            said, whole = (entry.text, True) if heard_ms is None else self._heard_words(entry, heard_ms)
            if said:
                lines.append(Line("assistant", said, entry.item_id, whole, entry.agent))
        return lines

    def seed(
        self,
        max_chars: int,
        running: frozenset[str] = frozenset(),
        voice_of: Callable[[str], bytes | None] = lambda _item_id: b"",
    ) -> tuple[SeedItem, ...]:
        """What a new session is told, as heard, in `max_chars`.

        What is still on its way to the caller counts as said, since it will be heard. `running`: tools
        that will still be told, with their call; without a result the others' are unknown for good.
        `voice_of`: the sound of a caller's item that has no text (empty: it is not known), or None if the
        caller will be heard to say it again.
        """
        past = [
            tool_items(entry, running) if isinstance(entry, KnownTool) else self._message(entry, voice_of)
            for entry in self._entries.values()
        ]
        told = within(past, max_chars)
        if self.is_beginning_lost:
            return (SeedItem(kind="message", role="system", text=BEGINNING_LOST), *told)
        return told

    # Private.

    def _since_quiet(self) -> Iterator[KnownItem | KnownTool]:
        return itertools.islice(self._entries.values(), self._quiet_from, None)

    def _item(self, item_id: str, role: str) -> KnownItem:
        found = self._entries.get(item_id)
        if isinstance(found, KnownItem):
            return found
        agent = self.agent if role == "assistant" else ""
        item = self._entries[item_id] = KnownItem(item_id, role, agent=agent)
        return item

    def _message(self, item: KnownItem, voice_of: Callable[[str], bytes | None]) -> tuple[SeedItem, ...]:
        if item.role in ("user", KEYS_ROLE):
            voice = b"" if item.text else voice_of(item.item_id)
            if voice is None or (item.is_aside and not item.text):
                return ()
            said = item.text or INAUDIBLE
            return (SeedItem(kind="message", role="user", text=said, item_id=item.item_id, audio=voice),)
        heard_ms = item.heard_ms
        heard, whole = (item.text, True) if heard_ms is None else self._heard_words(item, heard_ms)
        if not heard:
            return ()
        return (told_as(item, heard if whole else f"{heard}{ELLIPSIS}"),)

    def _heard_words(self, item: KnownItem, heard_ms: int) -> tuple[str, bool]:
        """The words heard, and whether that is all of them."""
        of_ms = item.total_ms if item.total_ms is not None else item.heard_of_ms
        is_whole = item.total_ms is not None
        return words.heard(item.text, heard_ms, of_ms, is_whole=is_whole, letter_ms=self._pace.letter_ms)

    def _measure(self, item: KnownItem) -> None:
        """Once an item's text and audio are whole, they show the model's pace."""
        if item.is_measured or item.is_notice or not item.final or not item.total_ms:
            return
        item.is_measured = True
        self._pace.measure(words.weight(item.text), item.total_ms)
