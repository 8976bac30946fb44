"""What is going on right now, read from Redis: live calls, workers; and the few things an operator may do.

Why it exists: `calls`, `show`, `top` and `doctor` show the same truth; it is read in one place, with few
round trips. Owns: reading cards, streams' lengths and workers; writing operators' control messages. Must not
know: how anything is shown. Every write here is one that `redis-cli` could do (docs/operating.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import orjson
from shared.ownership.control import CONTROL_MAXLEN

from shared.contract import keys as key_names
from shared.contract.entries import Why, ring_fields
from shared.contract.entry import text_of
from shared.contract.keys import Keys
from shared.store.client import Store

ALIVE_WITHIN_MS = 3_000
"""A beat comes every half second; rivals judge by 2 s, and a person may be a little slower."""

WAKE_MAXLEN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveCall:
    """One call, as its card and streams say. Worker names are empty where nobody has the role."""

    call_sid: str
    state: str
    started_at_ms: int
    from_number: str
    to_number: str
    agent: str
    leg: int
    ingress: str
    brain: str
    egress: str
    audible_response: str
    pipeline: Mapping[str, object]
    """The figures of the last window (docs/operating.md), empty before the first."""
    verdict: str
    caller_q: int
    """Entries of `caller`: frames of 20 ms that the model has not got."""
    reply_q: int
    """Entries of `reply`: pieces of model audio that the caller has not heard."""
    card: Mapping[str, str] = field(repr=False)

    def age_ms(self, now_wall_ms: int) -> int:
        """How long the call has lasted."""
        return max(0, now_wall_ms - self.started_at_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRow:
    """One process, by its own beat."""

    name: str
    role: str
    host: str
    pid: int
    calls: int
    capacity: int
    loop_lag_ms: float
    draining: bool
    version: str
    beat_age_ms: int
    alive: bool


class NoSuchCall(LookupError):
    """No live or recent call fits; the text says which there are."""


async def make_keys(store: Store) -> Keys:
    """The keys of this deployment: the number of lanes stands in Redis. Raises STORE_ERRORS."""
    lanes = await store.hget(key_names.CONFIG, "lanes")
    return Keys(int(lanes) if lanes else 1)


async def read_calls(store: Store, keys: Keys) -> list[LiveCall]:
    """All live calls, oldest first. Raises STORE_ERRORS."""
    sids: list[str] = []
    for lane in range(keys.lanes):
        sids += [member.decode() for member in await store.zrange(keys.live(lane), 0, -1)]
    calls = await _read(store, keys, sids)
    return sorted(calls, key=lambda call: (call.started_at_ms, call.call_sid))


async def find_call(store: Store, keys: Keys, text: str) -> LiveCall:
    """A call by its SID, or by enough of its beginning or end. Raises NoSuchCall, STORE_ERRORS."""
    if key_names.CALL_SID.fullmatch(text):
        found = await _read(store, keys, [text])  # Also one that has ended within the last hour.
        if found:
            return found[0]
    calls = await read_calls(store, keys)
    fitting = [c for c in calls if c.call_sid.startswith(text) or c.call_sid.endswith(text)]
    if text and len(fitting) == 1:
        return fitting[0]
    listed = ", ".join(call.call_sid for call in (fitting or calls)[:5])
    if fitting and text:
        raise NoSuchCall(f"{len(fitting)} calls fit {text!r}: {listed}. Give more of the SID.")
    live = f"Live are: {listed}." if calls else "There is no live call."
    raise NoSuchCall(f"expected the SID of a call, or a part that only one has, got {text!r}. {live}")


async def read_workers(store: Store) -> list[WorkerRow]:
    """All workers that have not been forgotten, by name. Raises STORE_ERRORS."""
    names = sorted(member.decode() for member in await store.smembers(key_names.WORKERS))
    seconds, micros = await store.time()
    now_ms = seconds * 1000 + micros // 1000
    keys = Keys(1)
    async with store.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.hgetall(keys.worker(name))
        beats = await pipe.execute()
    return [_worker(name, text_of(beat), now_ms) for name, beat in zip(names, beats, strict=True) if beat]


async def say(store: Store, keys: Keys, call_sid: str, text: str, *, force: bool = False) -> bool:
    """Makes the model say something. False if there is no such call any more."""
    return await _command(store, keys, call_sid, {"kind": "say", "text": text, "force": str(int(force))})


async def hang_up(store: Store, keys: Keys, call_sid: str) -> bool:
    """Ends a call. False if there is no such call any more."""
    return await _command(store, keys, call_sid, {"kind": "hangup", "reason": "operator"})


async def drain(store: Store, keys: Keys, worker: str) -> bool:
    """Takes a worker out: no new calls. False if nobody listens to that doorbell."""
    fields = _pairs(ring_fields("", Why.DRAIN))
    key = keys.wake(0, worker)
    return await store.xadd(key, fields, maxlen=WAKE_MAXLEN, nomkstream=True) is not None


async def _command(store: Store, keys: Keys, call_sid: str, fields: dict[str, str]) -> bool:
    message = {**fields, "from": "operator"}
    added = await store.xadd(keys.control(call_sid), message, maxlen=CONTROL_MAXLEN, nomkstream=True)
    if added is None:
        return False
    # Owners look once a second; a ring makes it at once.
    card = await store.hmget_text(keys.card(call_sid), ["brain", "state"])
    if card.get("brain"):
        ring = _pairs(ring_fields(call_sid, Why.CONTROL))
        wake = keys.wake(keys.lane(call_sid), card["brain"])
        await store.xadd(wake, ring, maxlen=WAKE_MAXLEN, nomkstream=True)
    return card.get("state") != "ended"


# Private.


async def _read(store: Store, keys: Keys, sids: list[str]) -> list[LiveCall]:
    async with store.pipeline(transaction=False) as pipe:
        for sid in sids:
            pipe.hgetall(keys.card(sid))
            pipe.xlen(keys.caller(sid))
            pipe.xlen(keys.reply(sid))
        answers = await pipe.execute()
    calls = []
    for index, sid in enumerate(sids):
        card, caller, reply = answers[index * 3 : index * 3 + 3]
        if card:
            calls.append(_call(sid, text_of(card), int(caller), int(reply)))
    return calls


def _call(call_sid: str, card: dict[str, str], caller_q: int, reply_q: int) -> LiveCall:
    return LiveCall(
        call_sid=call_sid,
        state=card.get("state", "?"),
        started_at_ms=_int(card.get("started_at_ms", "")),
        from_number=card.get("from", ""),
        to_number=card.get("to", ""),
        agent=card.get("agent", "") or "default",
        leg=_int(card.get("leg", "")),
        ingress=card.get("ingress", ""),
        brain=card.get("brain", ""),
        egress=card.get("egress", ""),
        audible_response=card.get("audible_response", ""),
        pipeline=_json(card.get("pipeline", "")),
        verdict=card.get("verdict", ""),
        caller_q=caller_q,
        reply_q=reply_q,
        card=card,
    )


def _worker(name: str, beat: dict[str, str], now_ms: int) -> WorkerRow:
    age_ms = max(0, now_ms - _int(beat.get("at_ms", "")))
    return WorkerRow(
        name=name,
        role=beat.get("role", ""),
        host=beat.get("host", ""),
        pid=_int(beat.get("pid", "")),
        calls=_int(beat.get("calls", "")),
        capacity=_int(beat.get("capacity", "")),
        loop_lag_ms=_float(beat.get("loop_lag_ms", "")),
        draining=beat.get("draining") == "1",
        version=beat.get("version", ""),
        beat_age_ms=age_ms,
        alive=age_ms < ALIVE_WITHIN_MS,
    )


def _pairs(flat: Sequence[bytes]) -> dict[bytes, bytes]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _json(text: str) -> dict[str, object]:
    try:
        found = orjson.loads(text or "{}")
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _int(text: str) -> int:
    return int(text) if text.isascii() and text.lstrip("-").isdigit() else 0


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
