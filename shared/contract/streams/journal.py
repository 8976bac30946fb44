"""`journal`: a line for each transition of a call, for the people who read it: who, when, what.

Owns: the kinds, what each tells in words, the entry, both ways. Pure. Must not know: what else its writer
did. No texts of the conversation, no keys, no numbers stand here.

A kind's sentence names the fields that its writers give; a writer may give more, and all are shown as they
are.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from shared.contract.command import Command
from shared.contract.entry import text_of, written_ms
from shared.contract.keys import Keys

MAXLEN = 2000


class Kind(enum.StrEnum):
    """What can happen to a call. The value is the word in Redis, the sentence what it means."""

    sentence: str

    def __new__(cls, word: str, sentence: str) -> Kind:
        made = str.__new__(cls, word)
        made._value_ = word
        made.sentence = sentence
        return made

    # Streams and owners: written by the scripts.
    ATTACHED = "attached", "a media stream opened"
    RESUMED = (
        "resumed",
        "the caller's stream opened again, or Redis had lost the call and has it again (`why`)",
    )
    DETACHED = "detached", "the media stream is gone (`cause`)"
    CLAIMED = (
        "claimed",
        "a worker took a role of the call; `attempts`: claims in a row that did not serve it for long",
    )
    RELEASED = "released", "a worker gave a role back, and to whom, if to somebody (`why`, `heir`)"
    OWNER_LOST = "owner_lost", "the worker that had a role is dead (`owner`); another one may take it"
    OFFERED = "offered", "a role that nobody had, and that waited nowhere, was offered again"
    CONDEMNED = (
        "condemned",
        "nobody has had the call for long (`why`): it ends, unless a stream opens within seconds",
    )
    QUARANTINED = "quarantined", "too many owners have failed at the call: the caller hears an apology"
    RESCUED = (
        "rescued",
        "its ingress died and the carrier had not noticed: it was asked to come again (`outcome`)",
    )
    ENDED = "ended", "the call is over, and how (`outcome`)"

    # The session and its responses: the brain.
    GREETING = "greeting", "the agent is to speak first"
    NOTICE = "notice", "a recording of the agent's is said, word for word (`item`)"
    SESSION_READY = (
        "session_ready",
        "the model has confirmed µ-law both ways; caller audio flows from here on",
    )
    SESSION_EARLY = (
        "session_early",
        "the session was begun while the call rang, and so long before the brain had it (`ms`)",
    )
    RESPONSE_CREATE = "response_create", "the model was asked for a response, and why (`reason`)"
    RESPONSE_CREATED = "response_created", "the model began a response"
    RESPONSE_DONE = "response_done", "the model is done with a response, and how (`status`)"
    RESPONSE_DEFERRED = "response_deferred", "a wish to speak waits, and for what (`gate`)"
    RESPONSE_SUPERSEDED = "response_superseded", "a wish to speak was overtaken by another response (`cause`)"
    RESPONSE_EXPIRED = "response_expired", "a wish to speak became too old"
    SPEECH_STARTED = "speech_started", "the model's voice detection heard the caller begin"
    SPEECH_STOPPED = "speech_stopped", "the model's voice detection heard the caller stop"
    PAUSED = (
        "paused",
        "the caller's voice stopped what was being said, until it is known whether they mean it",
    )
    CONFIRMED = "confirmed", "they meant it: it is an interruption, and why (`cause`, after `ms`)"
    PASSED_OVER = "passed_over", "it was nothing, and why (`cause`): short, no_words or backchannel"
    WENT_ON = "went_on", "what was being said goes on from the frame where it stopped (after `ms`)"
    VOICE = (
        "voice",
        "the caller's voice, from its beginning to its end by the audio (`from_ms`, `to_ms`: wall time)",
    )
    FIRST_AUDIO = "first_audio", "the model's first audio of a response came"
    FLUSH = "flush", "what was being said is cut (`cause`)"
    TRUNCATE = "truncate", "the model was told how much of an item was heard"
    REWRITE = "rewrite", "the same, of an item that an earlier session spoke"
    AUDIO_DELTA_SKIP = (
        "audio_delta_skip",
        "audio of a dead response was dropped: once a response, with the count",
    )
    AUDIO_DONE_SKIP = "audio_done_skip", "the end of an item of a dead response was dropped"
    TOOL_STARTED = "tool_started", "a tool was called"
    TOOL_FINISHED = "tool_finished", "a tool has ended, and how (`outcome`)"
    TOOL_APPROVAL = "tool_approval", "an MCP server asked for approval, and what it was told"
    ROLLOVER_DUE = "rollover_due", "the session gets old; it will be replaced at a quiet moment"
    ROLLOVER = "rollover", "the session was replaced"
    DTMF = "dtmf", "keys were pressed (not which)"
    CALLER_TEXT = "caller_text", "the model was told a text of the caller: the keys that were pressed"
    TEXT_DROPPED = "text_dropped", "a text of the caller could not be told (`cause`)"
    GAP = "gap", "the caller was not heard for a while (`ms`) and says nothing now: they are asked for it"
    IDLE = "idle", "a silent caller was asked whether they are there"
    LIMIT = "limit", "a limit ended the call (`cause`)"
    TAPED = "taped", "whether both sides are recorded, from now on (`what`: a word of the card, or no)"
    LISTENED = "listened", "somebody begins to listen"
    BUDGET = (
        "budget",
        "most of what a call or a day may cost is spent, or all of it (`what`, `spent`, `of`)",
    )
    AGENT_UNKNOWN = (
        "agent_unknown",
        "the webhook asked for an agent that the file does not have; who answers instead",
    )
    NUMBER_UNKNOWN = (
        "number_unknown",
        "no agent has the called number (it stands on the card); who answers instead",
    )
    CONTEXT = (
        "context",
        "it was asked who is calling (`outcome`, and `why` it failed), who answers, and for how many of its"
        " variables nobody had a value (`missing`)",
    )
    AGENT_CHANGED = "agent_changed", "another agent goes on with the call (`agent`, `was`)"
    HANG_UP_PENDING = "hang_up_pending", "the call ends after the farewell (`cause`)"
    HANG_UP = "hang_up", "nothing is left to be said, and the call is ended (`cause`)"
    MOVE_PENDING = "move_pending", "a transfer or keypad tones are wanted, after what is being said"
    MOVE = "move", "the caller is sent away for a transfer or tones"
    MOVE_ENDED = "move_ended", "the caller is back from it (`status`)"
    MOVE_REFUSED = "move_refused", "a transfer or tones were not possible (`cause`)"
    MOVE_DROPPED = (
        "move_dropped",
        "a transfer or tones were overtaken by the end, or the caller spoke before they were gone (`cause`)",
    )
    LEG = "leg", "the caller is back on a new stream"
    ERROR = "error", "something failed (`what`)"
    REFUSED = (
        "refused",
        "a command was not understood, or the model refused what it was asked (`what`, `why`)",
    )

    # What the caller hears: egress.
    FLUSHED = "flushed", "a flush was carried out, and how much of each item was heard by then"
    AUDIBLE = "audible", "the caller begins to hear a response"
    SILENT = "silent", "the caller does not hear it any more (`cause`)"

    # What the caller hears instead: ingress.
    HOLD_CLIP = "hold_clip", "sound is owed and none comes: the caller hears our clip (`cause`, `owed_ms`)"
    APOLOGY = "apology", "sound was owed for too long: Twilio's voice takes the call (`cause`, `owed_ms`)"
    VERDICT = "verdict", "an episode of trouble begins: whose fault, and the figure that says so (`why`)"
    VERDICT_OVER = "verdict_over", "an episode of trouble is over: how long, how bad"


KINDS: Mapping[str, Kind] = {kind.value: kind for kind in Kind}
"""By their words: calling `Kind` with a word says the same, but no type checker believes it."""

_SENTENCES = {kind.value: kind.sentence for kind in Kind}


class LineField(enum.StrEnum):
    """Fields of lines that programs read: by these names their writers give them."""

    RESPONSE = "response"
    ITEM = "item"
    CALL_ID = "call_id"
    TOOL = "tool"
    CAUSE = "cause"
    REASON = "reason"
    STATUS = "status"
    OUTCOME = "outcome"
    OWNER = "owner"
    VERDICT = "verdict"
    WHY = "why"
    WHAT = "what"
    LEVEL = "level"
    ITEMS = "items"
    """Of `flushed`: a list of FlushedItem as JSON."""
    OWED_MS = "owed_ms"
    WAS = "was"
    FROM_MS = "from_ms"
    TO_MS = "to_ms"
    MS = "ms"


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """A line as read. `kind` is a text: newer versions write kinds that this one does not know."""

    at_ms: int
    """The server's clock."""
    kind: str
    writer: str
    fields: Mapping[str, str]
    """The other fields."""

    @property
    def sentence(self) -> str:
        """What the kind means; empty for one that is not known."""
        return _SENTENCES.get(self.kind, "")

    # What programs read too; empty where a line does not say it.

    @property
    def item_id(self) -> str:
        """The item that it is about."""
        return self.told(LineField.ITEM)

    @property
    def outcome(self) -> str:
        """How it ended: of `ended`, of `tool_finished`."""
        return self.told(LineField.OUTCOME)

    def told(self, name: LineField) -> str:
        """What it says under a name; empty: nothing."""
        return self.fields.get(name, "")


def journal_command(
    keys: Keys,
    call_sid: str,
    writer: bytes,
    wall_ms: int,
    kind: Kind,
    fields: Mapping[str, str | int | float],
) -> Command:
    """A line. It goes nowhere if the call is not there any more."""
    key = keys.journal(call_sid).encode()
    words = [b"kind", kind.value.encode(), b"from", writer, b"t", b"%d" % wall_ms]
    for name, value in fields.items():
        words += (name.encode(), str(value).encode(errors="replace"))
    head = (b"XADD", key, b"NOMKSTREAM", b"MAXLEN", b"~", b"%d" % MAXLEN, b"*")
    return Command(keys.lane(call_sid), (*head, *words))


def read_journal(entry_id: str | bytes, fields: Mapping[bytes, bytes]) -> JournalEntry:
    """Lenient: whatever stands there is shown. Raises ValueError for what is no id."""
    found = text_of(fields)
    found.pop("v", None)
    found.pop("t", None)
    return JournalEntry(
        at_ms=written_ms(entry_id),
        kind=found.pop("kind", "?"),
        writer=found.pop("from", ""),
        fields=found,
    )
