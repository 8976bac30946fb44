"""What the page of one call shows: figures, the picture, turns, words, journal, the bill. Pure.

Why it exists: the same parts are a page at first and pushed afterwards, of a live call and of one of last
week. Owns: which parts there are, their words. Must not know: HTML, where a call comes from. What may not be
seen is hidden here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.calls import takeovers
from console.calls.journal import details
from console.calls.live import AnyCall, LiveCall, UnreadableCall
from console.calls.watching import Entry
from console.story import drawing
from console.story.ending import in_words
from console.story.telling import tell
from console.story.transcript import Line, Who, lines
from console.story.turns import Turn, turns
from console.text import NONE, duration, millis
from console.web.hiding import Shows
from console.web.reading import Told
from console.web.rows import PHASES, SLOW_RESPONSE_MS, owed_figure, owners_of, short_sid
from shared.audio import FRAME_MS
from shared.contract.bill import usage
from shared.contract.bill.usage import ModelUsage
from shared.contract.card import CallState
from shared.contract.errors import ContractError
from shared.contract.streams.journal import JournalEntry
from shared.figures.prices import Prices, shown

JOURNAL_MOST, LINES_MOST, TURNS_MOST = 80, 60, 60
"""Of each list, the newest: a page stays below 100 KB. All of it is in the download."""

SPANS = {"whole": None, "5m": 300_000, "1m": 60_000}
"""Parts of a call that the picture may show."""

LIVE_SPAN = "1m"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What of a call is asked for."""

    span: str = ""
    """A word of SPANS; empty: what fits."""
    at_ms: int | None = None
    """Where that part begins."""
    kinds: str = ""
    """Only journal lines whose kind has this in it."""
    is_whole: bool = False
    """Every turn and every line that was said, however many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalRow:
    """A line of the journal."""

    at: str
    """Since the call began."""
    kind: str
    said: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnRow:
    """A row of the table of turns."""

    number: int
    at: str
    what: str
    created: str
    first: str
    sent: str
    heard: str
    took: str
    is_slow: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidRow:
    """A line of the transcript, hidden where it must be."""

    who: str
    at: str
    heard: str
    unheard: str
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRow:
    """A row of the bill."""

    used: ModelUsage
    cost: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPage:
    """All of it."""

    call_sid: str
    short: str
    is_live: bool
    is_kept: bool
    """It is the archive's."""
    problem: str
    facts: tuple[tuple[str, str, bool], ...]
    """Name, words, whether it is bad."""
    picture: str
    span: str
    from_ms: int
    to_ms: int
    length_ms: int
    turns: tuple[TurnRow, ...]
    said: tuple[SaidRow, ...]
    journal: tuple[JournalRow, ...]
    left_out: int
    """Lines of the journal that are not shown."""
    used: tuple[UsageRow, ...]
    cost: str
    priced: str
    """Of which day the prices are."""


def page_of(told: Told, asked: Asked, shows: Shows, prices: Prices, now_wall_ms: int) -> CallPage:
    """The page of a call."""
    call, entries = told.call, told.entries
    began_at_ms = _began_at_ms(call, entries)
    is_live = not told.is_kept and not (isinstance(call, LiveCall) and call.card.state is CallState.ENDED)
    story = tell(entries, began_at_ms, now_wall_ms if is_live else _last_ms(entries, began_at_ms))
    span = asked.span if asked.span in SPANS else (LIVE_SPAN if is_live else "whole")
    part = drawing.window(story, SPANS[span], asked.at_ms)
    journal, left_out = _journal(entries, began_at_ms, asked.kinds)
    turn_rows = [_turn_row(turn) for turn in turns(entries, began_at_ms, _ear_ms(call))]
    said_rows = [_said_row(line, began_at_ms, shows) for line in lines(entries)]
    used, cost = _bill(call, prices)
    return CallPage(
        call_sid=call.call_sid,
        short=short_sid(call.call_sid),
        is_live=is_live,
        is_kept=told.is_kept,
        problem=call.problem if isinstance(call, UnreadableCall) else "",
        facts=tuple(_facts(call, shows, now_wall_ms)),
        picture=drawing.picture(story, part),
        span=span,
        from_ms=part.from_ms,
        to_ms=part.to_ms,
        length_ms=story.until_ms,
        turns=tuple(turn_rows if asked.is_whole else turn_rows[-TURNS_MOST:]),
        said=tuple(said_rows if asked.is_whole else said_rows[-LINES_MOST:]),
        journal=journal,
        left_out=left_out,
        used=used,
        cost=cost,
        priced=prices.as_of,
    )


# Private.


def _began_at_ms(call: AnyCall, entries: Sequence[Entry]) -> int:
    """By the card; of one that cannot be read, by what was written first."""
    if isinstance(call, LiveCall):
        return call.card.started_at_ms
    return entries[0].at_ms if entries else 0


def _last_ms(entries: Sequence[Entry], began_at_ms: int) -> int:
    return max((entry.at_ms for entry in entries), default=began_at_ms)


def _ear_ms(call: AnyCall) -> int:
    """How much later the caller hears what is sent, by the last echo."""
    return (call.card.ear_behind_ms or 0) if isinstance(call, LiveCall) else 0


def _facts(call: AnyCall, shows: Shows, now_wall_ms: int) -> list[tuple[str, str, bool]]:
    if isinstance(call, UnreadableCall):
        return [("problem", call.problem, True)]
    card, standing = call.card, call.standing
    figures = call.pipeline
    found = [
        ("from", shows.number(card.from_number) or NONE, False),
        ("to", shows.number(card.to_number) or NONE, False),
        ("agent", call.agent, False),
        ("length", duration(call.age_ms(now_wall_ms)), False),
        ("cost", shown(card.cost_micros), False),
        ("last response", NONE if card.response_ms is None else millis(card.response_ms), False),
    ]
    if card.state is CallState.ENDED:
        found.append(("ended", in_words(card.outcome or "", card.cause or ""), False))
        return found
    owed = owed_figure(card.owed_ms or 0, card.owed_cause or "")
    found += [
        ("phase", PHASES.get(card.phase or "", card.phase or NONE), False),
        ("owed", owed.words, owed.is_bad),
        ("caller audio waiting", millis(call.caller_q * FRAME_MS), False),
        ("reply not heard", NONE if figures is None else millis(figures.reply_q_ms), False),
        ("processes", " ".join(owners_of(call.owners)), False),
        ("verdict", " ".join(filter(None, (call.verdict or NONE, standing.why))), standing.is_bad),
    ]
    claims = takeovers.claims_in_words(call.fields)
    if claims:
        found.append(("claimed", claims, False))
    if standing.trouble is not None:
        found.insert(0, ("trouble", standing.trouble.words, True))
    return found


def _journal(entries: Sequence[Entry], began_at_ms: int, kinds: str) -> tuple[tuple[JournalRow, ...], int]:
    rows = [
        JournalRow(
            at=_since(entry.at_ms, began_at_ms), kind=line.kind, said=details(line), sentence=line.sentence
        )
        for entry in entries
        if isinstance(line := entry.record, JournalEntry) and kinds in line.kind
    ]
    return tuple(rows[-JOURNAL_MOST:]), max(0, len(rows) - JOURNAL_MOST)


def _since(at_ms: int, began_at_ms: int) -> str:
    return f"{max(0, at_ms - began_at_ms) / 1000:.2f} s"


def _turn_row(turn: Turn) -> TurnRow:
    def after(at_ms: int | None) -> str:
        found = turn.after(at_ms)
        return NONE if found is None else f"{found} ms"

    took = turn.took_ms
    what = "ours" if turn.is_ours else f"caller, {turn.tools} tool{'s' if turn.tools != 1 else ''}"
    return TurnRow(
        number=turn.number,
        at=duration(turn.ended_ms),
        what="caller" if not turn.tools and not turn.is_ours else what,
        created=after(turn.created_ms),
        first=after(turn.first_ms),
        sent=after(turn.sent_ms),
        heard=after(turn.heard_ms),
        took=NONE if took is None else millis(took),
        is_slow=took is not None and took > SLOW_RESPONSE_MS,
    )


def _said_row(line: Line, began_at_ms: int, shows: Shows) -> SaidRow:
    is_tool = line.who is Who.TOOL  # Its name is no word of the conversation.
    return SaidRow(
        who=line.who.value,
        at=duration(line.at_ms - began_at_ms),
        heard=line.heard if is_tool else shows.words(line.heard),
        unheard=shows.words(line.unheard),
        is_open=not line.is_final,
    )


def _bill(call: AnyCall, prices: Prices) -> tuple[tuple[UsageRow, ...], str]:
    if isinstance(call, UnreadableCall):
        return (), NONE
    try:
        usages = usage.load(call.card.usage)
    except ContractError:
        return (), NONE
    rows = tuple(UsageRow(used=each, cost=shown(prices.micros((each,)), prices.currency)) for each in usages)
    return rows, shown(call.card.cost_micros, prices.currency)
