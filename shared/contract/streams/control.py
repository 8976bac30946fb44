"""Control messages: commands and reports between the processes of a call, and what operators type.

Why it exists: whatever is no audio passes here. Owns: the kinds, a record for each, the entry, both ways;
what a hand-typed message means, and in which words a slip is answered. Pure. Must not know: what a message
makes a role do.

An entry is `v`, `kind`, `from` (worker, `twilio` or `operator`), `n` (the producer's running number; of a
repeated write the same), `epoch` where an owner speaks, then the record's fields. Processes must say all
fields of a kind: a missing one is a ContractError. People may leave out all but `kind` and what it needs:
they are read leniently.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import orjson

from shared.contract import record
from shared.contract.command import Command
from shared.contract.entry import VERSION, Fields, text_of, whole
from shared.contract.errors import ContractError, EntryError
from shared.contract.keys import Keys
from shared.contract.record import named

MAXLEN = 1000
"""Never trimmed by reading: what was said on a call can be read afterwards."""

OPERATOR = "operator"
"""Who speaks where nobody is named: people type without `from`."""

MAX_SAY_CHARS = 2_000
"""Bound of a text that is typed; longer ones are shortened."""


# Ingress.


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """The call has a new media stream. Written by the script ATTACH."""

    KIND: ClassVar[str] = "stream"
    leg: int
    stream_sid: str
    ingress: str
    rescued: bool | None
    """The carrier was asked for the call (RESCUE): the last stream was open until this one was. None: of an
    older version, which does not say."""


STOPPED = "stop"
"""The carrier has ended the stream."""

MOVING = "moving"
"""Ingress has, on its way out: the call is to come back on another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detached:
    """The stream is gone. Written by the script DETACH."""

    KIND: ClassVar[str] = "detached"
    leg: int
    cause: str
    """Why: STOPPED, MOVING, or what befell it, in ingress's words."""

    @property
    def was_open(self) -> bool:
        """Whether its socket is known to have been there until then: one of its two ends closed it, as it
        should. Of all else that befalls a stream nobody can say."""
        return self.cause in (STOPPED, MOVING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The call is over. Written by the script END."""

    KIND: ClassVar[str] = "ended"
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dtmf:
    """The caller pressed a key."""

    KIND: ClassVar[str] = "dtmf"
    digit: str
    leg: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialled:
    """What became of a number that was dialled, in the carrier's own word."""

    KIND: ClassVar[str] = "dialled"
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outranked:
    """What this brain said in `out` was dropped: ingress has seen a higher epoch. Where Redis names it all
    the same, a claim was lost: it is to claim again, above that."""

    KIND: ClassVar[str] = "outranked"
    worker: str
    """The brain that is meant."""
    highest: int
    """The epoch that ingress has seen."""


# Egress.


@dataclass(frozen=True, slots=True, kw_only=True)
class _Playback:
    cut: int
    response_id: str = named("response")
    item_id: str = named("item")
    heard_ms: int
    frames_waiting: int
    """20 ms frames that egress holds and has not sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audible(_Playback):
    """The caller begins to hear a response."""

    KIND: ClassVar[str] = "audible"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard(_Playback):
    """An item of it was heard."""

    KIND: ClassVar[str] = "heard"


class SilentCause(enum.StrEnum):
    """Why a response fell silent."""

    PLAYED = "played"
    FLUSHED = "flushed"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Silent(_Playback):
    """The caller does not hear it any more."""

    KIND: ClassVar[str] = "silent"
    cause: str
    """A SilentCause; newer versions may know others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlushedItem:
    """How far an item had come when it was flushed."""

    item_id: str = named("item")
    response_id: str = named("response")
    received_ms: int
    sent_ms: int
    heard_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Flushed:
    """A flush was carried out. `items` is JSON: a list of FlushedItem."""

    KIND: ClassVar[str] = "flushed"
    cut: int
    items: str

    @classmethod
    def of(cls, cut: int, items: Sequence[FlushedItem]) -> Flushed:
        """The report of these items."""
        return cls(cut=cut, items=orjson.dumps([record.write(item) for item in items]).decode())

    def read_items(self) -> tuple[FlushedItem, ...]:
        """Raises ContractError."""
        try:
            found = orjson.loads(self.items)
        except orjson.JSONDecodeError:
            found = None
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            raise ContractError("Flushed", "items", "a list of objects", self.items)
        return tuple(record.read(FlushedItem, item) for item in found)


# People.


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """The model is to say something. `force`: over the caller and over a reply."""

    KIND: ClassVar[str] = "say"
    text: str
    force: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class InWriting:
    """The caller says something in writing: it interrupts and is answered as if it were spoken."""

    KIND: ClassVar[str] = "write"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HangUp:
    """The call is to end, after a farewell if there is one."""

    KIND: ClassVar[str] = "hangup"
    reason: str
    farewell: str


LISTEN_MS = 60_000
"""A listener is believed to be there for so long; whoever goes on listening says so again before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """Somebody listens to the call, for LISTEN_MS from now on."""

    KIND: ClassVar[str] = "listen"


Message = (
    Stream
    | Detached
    | Ended
    | Dtmf
    | Dialled
    | Outranked
    | Audible
    | Heard
    | Silent
    | Flushed
    | Say
    | InWriting
    | HangUp
    | Listen
)
KINDS: Mapping[str, type[Message]] = {
    kind.KIND: kind
    for kind in (
        Stream,
        Detached,
        Ended,
        Dtmf,
        Dialled,
        Outranked,
        Audible,
        Heard,
        Silent,
        Flushed,
        Say,
        InWriting,
        HangUp,
        Listen,
    )
}
COMMANDS = (Say.KIND, InWriting.KIND, HangUp.KIND, Listen.KIND)
"""What operators may ask of a call by hand. (A worker is drained by its doorbell.)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """An entry as read. `message` is None for a kind that only a newer version knows, and for what an
    operator typed and cannot mean: `refusal` then says in words what was expected."""

    entry_id: str
    kind: str
    sender: str
    number: str
    epoch: int | None
    message: Message | None
    refusal: str = ""


def message_fields(message: Message, *, sender: str, number: str, epoch: int | None) -> Fields:
    """An entry."""
    fields = [
        b"v", VERSION, b"kind", message.KIND.encode(), b"from", sender.encode(), b"n", number.encode(),
    ]  # fmt: skip
    if epoch is not None:
        fields += (b"epoch", b"%d" % epoch)
    return fields + record.flat(message)


Typed = Say | InWriting | HangUp | Listen
"""What operators say."""


def operator_fields(command: Typed) -> Fields:
    """An entry as a person would type it: without a number, so that saying it twice means it twice."""
    return [b"kind", command.KIND.encode(), b"from", OPERATOR.encode(), *record.flat(command)]


def operator_command(keys: Keys, call_sid: str, command: Typed) -> Command:
    """An operator's message to a call. It goes nowhere if the call is not there any more."""
    head = (b"XADD", keys.control(call_sid).encode(), b"NOMKSTREAM", b"MAXLEN", b"~", b"%d" % MAXLEN, b"*")
    return Command(keys.lane(call_sid), (*head, *operator_fields(command)))


def read_message(entry_id: bytes, fields: Mapping[bytes, bytes]) -> Letter:
    """Raises EntryError for what a process wrote and cannot be read; never for what a person typed."""
    found = text_of(fields)
    kind, sender = found.get("kind", ""), found.get("from", OPERATOR)
    epoch = found.get("epoch", "")
    message, refusal = _typed(kind, found) if sender == OPERATOR else (_written(kind, found), "")
    return Letter(
        entry_id=entry_id.decode(),
        kind=kind,
        sender=sender,
        number=found.get("n", ""),
        epoch=whole(epoch),
        message=message,
        refusal=refusal,
    )


# Private.

_TRUE = frozenset({"1", "true", "yes"})


def _written(kind: str, found: Mapping[str, str]) -> Message | None:
    known = KINDS.get(kind)
    if known is None:
        return None
    try:
        return record.read(known, found)
    except ContractError as error:
        raise EntryError(
            f"control message {kind}", error.field, "what its writer writes", found.get(error.field)
        ) from None


def _typed(kind: str, found: Mapping[str, str]) -> tuple[Message | None, str]:
    if kind in (Say.KIND, InWriting.KIND):
        said = found.get("text", "").strip()[:MAX_SAY_CHARS]
        if not said:
            return None, "expected a field text with what to say"
        if kind == InWriting.KIND:
            return InWriting(text=said), ""
        return Say(text=said, force=found.get("force", "").lower() in _TRUE), ""
    if kind == HangUp.KIND:
        farewell = found.get("farewell", "")[:MAX_SAY_CHARS]
        return HangUp(reason=found.get("reason", OPERATOR), farewell=farewell), ""
    if kind == Listen.KIND:
        return Listen(), ""
    if not kind:
        return None, f"expected a field kind, one of {', '.join(COMMANDS)}"
    return None, f"expected one of {', '.join(COMMANDS)} as the kind"
