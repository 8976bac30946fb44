"""Which entry of journal and history begins or ends which band of a call's picture, and its words. Pure.

Owns: that table, and the order in which entries are taken. Must not know: how a band looks, where entries
come from. A line of a kind that is not in the table says nothing here: the journal below the picture has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from console.calls.watching import Entry
from console.story.bands import Band, Lane, Sheet, Story, Tone
from shared.contract.entry import whole
from shared.contract.errors import ContractError
from shared.contract.streams.control import Flushed, SilentCause
from shared.contract.streams.history import ItemLength
from shared.contract.streams.journal import JournalEntry, Kind, LineField

Handler = Callable[[Sheet, int, JournalEntry], None]


def tell(entries: Iterable[Entry], began_at_ms: int, now_at_ms: int) -> Story:
    """The story of a call by its entries, in their order. `began_at_ms`, `now_at_ms`: the server's clock."""
    sheet = Sheet(began_at_ms)
    for entry in entries:
        take(sheet, entry)
    return sheet.story(max(0, now_at_ms - began_at_ms))


def take(sheet: Sheet, entry: Entry) -> None:
    """One entry; most say nothing here."""
    at_ms = max(0, entry.at_ms - sheet.began_at_ms)
    match entry.record:
        case JournalEntry() as line:
            handler = _OF.get(line.kind)
            if handler is not None:
                handler(sheet, at_ms, line)
        case ItemLength() as found:
            sheet.length(found.item_id, found.ms)
        case _:
            pass


# Private.


def _short(worker: str) -> str:
    """`brain-1`, of whoever wrote a line."""
    return worker.partition("@")[0]


def _is_egress(line: JournalEntry) -> bool:
    """Egress's word on what is heard; the brain says the same, from egress, a moment later."""
    return line.writer.startswith("egress-")


# The caller.


def _speech_started(sheet: Sheet, at_ms: int, _line: JournalEntry) -> None:
    sheet.begin(Lane.VOICE, "", Tone.VOICE, at_ms)


def _speech_stopped(sheet: Sheet, at_ms: int, _line: JournalEntry) -> None:
    sheet.end(Lane.VOICE, "", at_ms)


def _voice(sheet: Sheet, at_ms: int, line: JournalEntry) -> None:
    """The whole of a voice, by the audio: it stands in place of what the news of it said."""
    began, ended = whole(line.told(LineField.FROM_MS)), whole(line.told(LineField.TO_MS))
    if began is None or ended is None:
        return
    sheet.drop(Lane.VOICE, "")
    to_ms = max(0, min(at_ms, ended - sheet.began_at_ms))
    from_ms = max(0, min(to_ms, began - sheet.began_at_ms))
    label = f"{(to_ms - from_ms) / 1000:.1f} s"
    sheet.bands.append(Band(lane=Lane.VOICE, tone=Tone.VOICE, from_ms=from_ms, to_ms=to_ms, label=label))


# Responses, made and heard.


def _created(sheet: Sheet, at_ms: int, line: JournalEntry) -> None:
    response, reason = line.told(LineField.RESPONSE), line.told(LineField.REASON)
    sheet.response(response, at_ms)
    note = f"the model was asked ({reason})" if reason else "the model was asked"
    sheet.begin(Lane.MADE, response, Tone.WAIT, at_ms, note=note)


def _first_audio(sheet: Sheet, at_ms: int, line: JournalEntry) -> None:
    response = line.told(LineField.RESPONSE)
    sheet.keep(replace(sheet.response(response, at_ms), first_ms=at_ms))
    sheet.begin(Lane.MADE, response, Tone.MADE, at_ms, note="the model makes sound")


def _done(sheet: Sheet, at_ms: int, line: JournalEntry) -> None:
    response, status = line.told(LineField.RESPONSE), line.told(LineField.STATUS)
    if sheet.knows(response):
        sheet.keep(replace(sheet.response(response, at_ms), done_ms=at_ms))
    if status == "completed":
        sheet.end(Lane.MADE, response, at_ms)
    else:
        sheet.end(Lane.MADE, response, at_ms, tone=Tone.CUT, label=status)


def _audible(sheet: Sheet, at_ms: int, line: JournalEntry) -> None:
    if not _is_egress(line):
        return
    response = line.told(LineField.RESPONSE)
    sheet.item(line.item_id, response)
    sheet.end_all(Lane.HEARD, at_ms)
    made = sheet.response(response, at_ms)
    if made.audible_ms is None:  # After a take-over it is heard on, not from its beginning.
        sheet.keep(replace(made, audible_ms=at_ms))
    sheet.begin(Lane.HEARD, response, Tone.HEARD, at_ms)


def _silent(sheet: Sheet, at_ms: int, line: JournalEntry) -> None:
    if not _is_egress(line):
        return
    response = line.told(LineField.RESPONSE)
    sheet.item(line.item_id, response)
    was_cut = line.told(LineField.CAUSE) == SilentCause.FLUSHED
    if sheet.knows(response):
        sheet.keep(replace(sheet.response(response, at_ms), silent_ms=at_ms, was_cut=was_cut))
    sheet.end(Lane.HEARD, response, at_ms, tone=Tone.CUT if was_cut else None)


def _flushed(sheet: Sheet, at_ms: int, line: JournalEntry) -> None:
    """What was heard of each item by then: egress's word, which has the figures."""
    if not _is_egress(line):
        return
    try:
        items = Flushed(cut=0, items=line.told(LineField.ITEMS)).read_items()
    except ContractError:
        return  # Nothing can be told of it.
    words = [f"heard {each.heard_ms / 1000:.1f} of {each.received_ms / 1000:.1f} s" for each in items]
    if words:
        sheet.mark(Lane.HEARD, Tone.CUT, at_ms, words[0], "; ".join(words))


def _flush(sheet: Sheet, at_ms: int, line: JournalEntry) -> None:
    cause = line.told(LineField.CAUSE)
    sheet.mark(Lane.MADE, Tone.CUT, at_ms, "cut", f"what was being said is cut ({cause})")


# Tools, our own sounds.


def _tool_started(sheet: Sheet, at_ms: int, line: JournalEntry) -> None:
    name = line.told(LineField.TOOL) or "a tool"
    sheet.begin(Lane.TOOLS, line.told(LineField.CALL_ID), Tone.TOOL, at_ms, name, f"{name} runs")


def _tool_finished(sheet: Sheet, at_ms: int, line: JournalEntry) -> None:
    sheet.end(Lane.TOOLS, line.told(LineField.CALL_ID), at_ms)


def _clip(sheet: Sheet, at_ms: int, line: JournalEntry) -> None:
    owed_s = (whole(line.told(LineField.OWED_MS)) or 0) / 1000
    sheet.mark(Lane.OURS, Tone.OURS, at_ms, "hold clip", f"sound was owed for {owed_s:.1f} s: our clip plays")


# Streams and processes.


def _attached(sheet: Sheet, at_ms: int, line: JournalEntry) -> None:
    sheet.end(Lane.OURS, "away", at_ms)
    tone = Tone.CHANGE if sheet.claimed("stream") > 1 else Tone.MADE
    sheet.mark(Lane.OWNERS, tone, at_ms, f"stream at {_short(line.writer)}", line.sentence)


def _detached(sheet: Sheet, at_ms: int, line: JournalEntry) -> None:
    note = f"the media stream is gone ({line.told(LineField.CAUSE)})"
    sheet.begin(Lane.OURS, "away", Tone.BAD, at_ms, "no stream", note)


def _claimed(sheet: Sheet, at_ms: int, line: JournalEntry) -> None:
    owner = _short(line.writer)
    is_again = sheet.claimed(owner.partition("-")[0]) > 1
    label = f"{owner} takes over" if is_again else owner
    sheet.mark(Lane.OWNERS, Tone.CHANGE if is_again else Tone.MADE, at_ms, label, line.sentence)


def _owner_lost(sheet: Sheet, at_ms: int, line: JournalEntry) -> None:
    owner = _short(line.told(LineField.OWNER)) or "a process"
    sheet.mark(Lane.OWNERS, Tone.BAD, at_ms, f"{owner} is dead", line.sentence)


def _released(sheet: Sheet, at_ms: int, line: JournalEntry) -> None:
    sheet.mark(Lane.OWNERS, Tone.CHANGE, at_ms, f"{_short(line.writer)} gives it back", line.sentence)


# Trouble, the end.


def _verdict(sheet: Sheet, at_ms: int, line: JournalEntry) -> None:
    name, why = line.told(LineField.VERDICT), line.told(LineField.WHY)
    sheet.begin(Lane.TROUBLE, "", Tone.BAD, at_ms, name, f"{name}: {why}" if why else name)


def _verdict_over(sheet: Sheet, at_ms: int, _line: JournalEntry) -> None:
    sheet.end(Lane.TROUBLE, "", at_ms)


def _error(sheet: Sheet, at_ms: int, line: JournalEntry) -> None:
    what, cause = line.told(LineField.WHAT) or "error", line.told(LineField.CAUSE)
    sheet.mark(Lane.TROUBLE, Tone.BAD, at_ms, what, f"{what}: {cause}" if cause else what)


def _ended(sheet: Sheet, at_ms: int, _line: JournalEntry) -> None:
    sheet.ended_ms = at_ms


def _plain(lane: Lane, tone: Tone, label: str, *names: LineField) -> Handler:
    """A mark whose words are the kind's own, with the fields that say more."""

    def handle(sheet: Sheet, at_ms: int, line: JournalEntry) -> None:
        more = ", ".join(filter(None, map(line.told, names)))
        sheet.mark(lane, tone, at_ms, label, f"{line.sentence} ({more})" if more else line.sentence)

    return handle


_OF: dict[str, Handler] = {
    Kind.SPEECH_STARTED: _speech_started,
    Kind.SPEECH_STOPPED: _speech_stopped,
    Kind.VOICE: _voice,
    Kind.RESPONSE_CREATED: _created,
    Kind.FIRST_AUDIO: _first_audio,
    Kind.RESPONSE_DONE: _done,
    Kind.AUDIBLE: _audible,
    Kind.SILENT: _silent,
    Kind.FLUSHED: _flushed,
    Kind.FLUSH: _flush,
    Kind.TOOL_STARTED: _tool_started,
    Kind.TOOL_FINISHED: _tool_finished,
    Kind.HOLD_CLIP: _clip,
    Kind.APOLOGY: _plain(Lane.OURS, Tone.BAD, "apology", LineField.CAUSE),
    Kind.ATTACHED: _attached,
    Kind.RESUMED: _attached,
    Kind.DETACHED: _detached,
    Kind.CLAIMED: _claimed,
    Kind.OWNER_LOST: _owner_lost,
    Kind.RELEASED: _released,
    Kind.VERDICT: _verdict,
    Kind.VERDICT_OVER: _verdict_over,
    Kind.ERROR: _error,
    Kind.ENDED: _ended,
    Kind.SESSION_READY: _plain(Lane.OWNERS, Tone.MADE, "session ready"),
    Kind.ROLLOVER: _plain(Lane.OWNERS, Tone.CHANGE, "next session", LineField.CAUSE),
    Kind.DTMF: _plain(Lane.VOICE, Tone.VOICE, "key"),
    Kind.GAP: _plain(Lane.VOICE, Tone.BAD, "not heard", LineField.MS),
    Kind.IDLE: _plain(Lane.OURS, Tone.OURS, "are you there?"),
    Kind.LIMIT: _plain(Lane.OURS, Tone.OURS, "limit", LineField.CAUSE),
    Kind.BUDGET: _plain(Lane.OURS, Tone.OURS, "budget", LineField.WHAT, LineField.LEVEL),
    Kind.MOVE: _plain(Lane.OURS, Tone.OURS, "sent away", LineField.WHAT),
    Kind.MOVE_ENDED: _plain(Lane.OURS, Tone.OURS, "back", LineField.STATUS),
    Kind.HANG_UP: _plain(Lane.OURS, Tone.OURS, "hangs up", LineField.CAUSE),
}
