"""Calls as tables: what `calls` and `show` print for people, and the lines of `watch`. Pure.

What is in trouble comes first, in red and in words (trouble.py).

Owns: columns, words, colours. Must not know: Redis, the terminal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from console.calls import takeovers
from console.calls.ended import EndedCall, Found
from console.calls.journal import clock, date, details
from console.calls.live import AnyCall, AnyWorker, LiveCall, UnreadableCall, UnreadableWorker
from console.calls.watching import Entry
from console.style import AGENT, BAD, BRIDGE, CALLER, DIM, GOOD
from console.text import NONE, duration, millis, tame, tokens
from shared.contract import card, window
from shared.contract.bill import usage
from shared.contract.errors import ContractError
from shared.contract.streams.history import ItemEntry, ItemHeard
from shared.contract.streams.journal import JournalEntry
from shared.figures import diagnosis
from shared.figures.prices import shown
from shared.logs.text import isolated


def calls_table(calls: Sequence[AnyCall], now_wall_ms: int) -> RenderableType:
    """A line for each call in trouble; one row a call; below them, what is wrong with those that cannot be
    read."""
    if not calls:
        return Text("no live calls", style=DIM)
    table = Table("call", "age", "from → to", "agent", "state", "owners", "reply", "caller", "fps", "verdict")
    for column in (1, 6, 7, 8):
        table.columns[column].justify = "right"
    troubles, problems = [], []
    for call in calls:
        if isinstance(call, UnreadableCall):
            problems.append(Text.assemble((call.call_sid, BAD), "  ", _plain(call.problem)))
            continue
        figures, trouble = call.pipeline, call.standing.trouble
        if trouble is not None:
            troubles.append(_plain(f"{call.call_sid}  {trouble.words}", BAD))
        table.add_row(
            Text(call.call_sid, style="" if trouble is None else BAD),
            duration(call.age_ms(now_wall_ms)),
            _numbers(call),
            _plain(call.agent),
            call.card.state,
            _owners(call),
            NONE if figures is None else millis(figures.reply_q_ms),
            str(call.caller_q),
            NONE if figures is None else f"{figures.tx_fps:.0f}",
            verdict_text(call),
        )
    return Group(*troubles, table, *problems)


def ended_table(found: Found) -> RenderableType:
    """Calls that are over, one row each, as they come."""
    if not found.calls:
        return Text("no ended call fits", style=DIM)
    table = Table("ended (UTC)", "lasted", "call", "from → to", "agent", "outcome", "cause", "owed")
    table.columns[1].justify = "right"
    problems = []
    for call in found.calls:
        if isinstance(call, EndedCall):
            card = call.card
            owed = f"{(card.owed_ms or 0) / 1000:.1f} s {card.owed_cause or ''}".strip()
            table.add_row(
                date(call.ended_at_ms),
                duration(call.lasted_ms),
                call.call_sid,
                _plain(f"{card.from_number or NONE} → {card.to_number or NONE}"),
                _plain(card.agent or NONE),
                _plain(card.outcome or NONE),
                _plain(card.cause or NONE),
                Text(owed, style=BAD) if card.owed_ms else Text(NONE, style=DIM),
            )
        else:
            problems.append(Text.assemble((call.call_sid, BAD), "  ", _plain(call.problem)))
    more = [Text("there are more: --limit", style=DIM)] if found.has_more else []
    return Group(table, *problems, *more)


def verdict_text(call: LiveCall) -> Text:
    """Coloured; a dash before the first window."""
    name = call.verdict
    if not name:
        return Text(NONE, style=DIM)
    return Text(name, style=GOOD if name == diagnosis.OK else BAD)


def call_details(
    call: AnyCall,
    journal: Sequence[JournalEntry],
    now_wall_ms: int,
    key: str = "",
    agents: Sequence[str] = (),
) -> RenderableType:
    """Everything about one call: who has it, its figures, its counters, what happened last. `key`: of its
    card in Redis; its lane stands in it. `agents`: who had it before another one went on with it."""
    counters = _pairs("counters", dict(sorted(card.counters(call.fields).items())))
    if isinstance(call, UnreadableCall):
        head = _rows(("call", call.call_sid), ("key", key or NONE), ("problem", call.problem))
        return Group(head, counters, journal_table(journal))
    figures, trouble = call.pipeline, call.standing.trouble
    waiting = NONE if figures is None else millis(figures.reply_q_ms)
    owed_ms = call.card.owed_ms or 0
    head = _rows(
        ("call", call.call_sid),
        ("key", key or NONE),
        ("state", f"{call.card.state}, {duration(call.age_ms(now_wall_ms))}, leg {call.card.leg}"),
        ("from → to", _numbers(call)),
        ("agent", " → ".join((*agents, call.agent))),
        *((role, owner or NONE) for role, owner in call.owners.items()),
        ("audible", call.card.audible_response or NONE),
        ("caller audio waiting", f"{call.caller_q} frames"),
        ("reply audio waiting", f"{waiting} in {call.reply_q} pieces"),
        ("owed", f"{owed_ms / 1000:.1f} s: {call.card.owed_cause or NONE}" if owed_ms else NONE),
        ("claimed again", takeovers.claims_in_words(call.fields) or NONE),
        ("ends without a stream as", takeovers.ends_as(call.fields) or NONE),
        ("outcome", call.card.outcome or NONE),
        ("phase", call.card.phase or NONE),
        ("response time", NONE if call.card.response_ms is None else millis(call.card.response_ms)),
        ("cost", shown(call.card.cost_micros)),
    )
    if trouble is not None:
        head.add_row(Text("trouble", style=DIM), _plain(trouble.words, BAD))
    why = tame(call.standing.why)
    head.add_row(Text("verdict", style=DIM), Text.assemble(verdict_text(call), "  ", why))
    last = _last_window(call, now_wall_ms)
    return Group(head, last, _usage(call.card.usage), counters, journal_table(journal))


def journal_table(journal: Sequence[JournalEntry]) -> Table:
    """Lines, oldest first, each with what its kind means."""
    table = Table("UTC", "what", "details", title="journal")
    for each in journal:
        said = _plain(details(each))
        if each.sentence:
            said.append(f"  {each.sentence}" if said else each.sentence, style=DIM)
        table.add_row(clock(each.at_ms), _plain(each.kind), said)
    return table


def watched_line(entry: Entry, since_ms: int) -> str:
    """An entry as a line with markup, its time since `since_ms`; empty for one that tells people nothing."""
    stamp = f"[{DIM}]{max(0, entry.at_ms - since_ms) / 1000:8.2f} s[/]"
    match entry.record:
        case JournalEntry() as line:
            return f"{stamp}  [{BRIDGE}]{escape(tame(line.kind))}[/]  [{DIM}]{_shown(details(line))}[/]"
        case ItemEntry(final=True) as item:
            who, style = ("caller", CALLER) if item.is_callers else ("agent", AGENT)
            whose = f" [{DIM}]{_shown(item.agent)}[/]" if item.agent else ""
            return f"{stamp}  [{style}]{who}[/]{whose}  {_shown(item.text)}"
        case ItemHeard(complete=False) as heard:
            return f"{stamp}  [{AGENT}]agent[/]  [{DIM}]heard {heard.ms} of {heard.of_ms} ms[/]"
        case _:
            return ""


def drained_line(name: str, row: AnyWorker | None) -> str:
    """How far a worker has drained; None: it has ended."""
    if isinstance(row, UnreadableWorker):
        return f"{name}: draining, {tame(row.problem)}"
    count = 0 if row is None else row.beat.calls
    return f"{name}: draining, {count} live call{'s' if count != 1 else ''}"


# Private.


def _last_window(call: LiveCall, now_wall_ms: int) -> Table:
    """What egress said last; how long ago, where that says nothing of now."""
    told = call.said.egress
    is_old = told is not None and call.pipeline is None
    title = f"last window, {duration(now_wall_ms - told.at_ms)} ago" if told and is_old else "last window"
    return _pairs(title, {} if told is None else window.figures(told))


def _usage(written: str | None) -> RenderableType:
    """What each model was used for: tokens by kind, cached ones as the part that they are, sound by time."""
    try:
        usages = usage.load(written)
    except ContractError as error:
        return _plain(str(error), BAD)
    if not usages:
        return Text("no usage yet", style=DIM)
    columns = ("model", "requests", "text in", "sound in", "text out", "sound out", "by time")
    table = Table(*columns, title="usage")
    for each in usages:
        table.add_row(
            _plain(each.model),
            str(each.requests),
            tokens(each.text_in, each.text_cached),
            tokens(each.audio_in, each.audio_cached),
            tokens(each.text_out),
            tokens(each.audio_out),
            duration(each.sound_ms) if each.sound_ms else NONE,
        )
    return table


def _owners(call: LiveCall) -> str:
    """By role; a role that was claimed more than once says how often."""
    claims = takeovers.claims(call.fields)
    shown = []
    for role, owner in call.owners.items():
        count = claims.get(role, 0)
        shown.append((owner.partition("@")[0] or NONE) + (f"×{count}" if count > 1 else ""))
    return " ".join(shown)


def _numbers(call: LiveCall) -> str:
    return f"{call.card.from_number or NONE} → {call.card.to_number or NONE}"


def _plain(text: str, style: str = "") -> Text:
    """What others wrote: no markup, nothing that acts on the terminal, its own direction."""
    return Text(isolated(tame(text)), style=style)


def _shown(text: str) -> str:
    """What others wrote, as it may stand in a line with markup."""
    return escape(isolated(tame(text)))


def _rows(*values: tuple[str, str]) -> Table:
    table = Table(box=None, show_header=False)
    for name, value in values:
        table.add_row(Text(name, style=DIM), _plain(value))
    return table


def _pairs(title: str, values: Mapping[str, object]) -> Table:
    table = Table(title=title, box=None, show_header=False)
    for name, value in values.items():
        table.add_row(Text(name, style=DIM), _plain(NONE if value is None else f"{value}"))
    return table
