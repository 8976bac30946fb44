"""The one place that builds Redis key names.

Why it exists: a key spelt in two places is a key spelt in two ways. Everything that Trunkline keeps in
Redis is named here, and tests/shared/contract/test_keys.py pins each string.

Owns: the names and the lane arithmetic. Must not know: what is inside a key, who reads it.

`{L}` is the call's lane, `crc32(call_sid) % lanes`, written between braces so that a Redis Cluster puts
all keys of one call (and of its lane) into one hash slot: every script of a call touches one slot only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from zlib import crc32

CALL_SID = re.compile(r"CA[0-9a-f]{32}")
STREAM_SID = re.compile(r"MZ[0-9a-f]{32}")

CONFIG = "tl:config"
WORKERS = "tl:workers"
SPEECH = "tl:speech"
"""Hash: what Twilio's own voice says to whom, for ingress (shared/contract/speech.py)."""

SOUND = "tl:{sound}:"
"""Before the id of a sound. Hash: a sound that ingress plays (shared/contract/speech.py). All are of one slot
of a Cluster: a brain has a connection for each slot outside the lanes, and there may be many sounds."""

AUDIT = "tl:audit"
"""Stream: what operators did, who and to what (shared/contract/streams/audit.py)."""

ADMITTED = "tl:{admitted}"
"""Sorted set call_sid → lease end in ms of the server's time: every call that has a place, whatever its lane.
It and what stands beside it are of one slot of a Cluster, which is no lane's."""

COUNTED_BY = f"{ADMITTED}:by"
"""Text: the ingress worker that holds the count against the cards. Its TTL is the lease."""

MODEL = "tl:model"
"""Hash: how much of the model account's rate is left, brain → ingress. It counts until its TTL is over."""

NOWHERE = "tl:nowhere"
"""A stream that is never there: an XADD to it with NOMKSTREAM shows whether Redis takes writes, and leaves
nothing."""

PERMANENT = (re.compile(r"tl:\{\d+\}:(calls|ringing|orphans|live)"), re.compile(r"tl:(workers|config)"))
"""The only keys that live without a TTL. All others get theirs at creation."""

CALL_TTL_MS = 25 * 3_600_000
"""TTL of every key of a live call: longer than Twilio's longest call (24 h)."""

ENDED_TTL_MS = 3_600_000
"""TTL of what stays of an ended call, for people: card, control, journal, history. By default: a setting."""

ENDED_MOST = 10_000
"""Ended calls that a lane lists. By default: a setting."""

WORKER_TTL_MS = 3_600_000
"""TTL of a worker's own keys, renewed with its beat."""

SPENT_TTL_MS = 3 * 86_400_000
"""TTL of the sum of a day, from its last call on."""

AUDIT_TTL_MS = 90 * 86_400_000
"""TTL of what operators have done, from the last deed on."""

CALL_PARTS = ("caller", "turn", "reply", "control", "journal", "history", "token", "number", "tape")


def lane_of(call_sid: str, lanes: int) -> int:
    """The lane of a call: stable for the life of a deployment, because `lanes` is stored in Redis."""
    # What is no call's name has a lane too: an error there would be met far from where it was read.
    return crc32(call_sid.encode(errors="replace")) % lanes


def sound_key(sound_id: str) -> str:
    """Hash: one sound of the user's."""
    return f"{SOUND}{sound_id}"


def caller_day(caller: str) -> str:
    """Hash: what a caller has had of us in a day, by call. `caller`: never a number, but a keyed hash of one
    (shared/contract/admission/callers.py)."""
    return f"{ADMITTED}:of:{caller}"


def is_permanent(key: str) -> bool:
    """Whether `key` may live without a TTL."""
    return any(pattern.fullmatch(key) for pattern in PERMANENT)


@dataclass(frozen=True, slots=True)
class Keys:
    """Key builders for a deployment of `lanes` lanes."""

    lanes: int = 1
    spread: bool = False
    """On a Cluster: `out` and `back` are a stream a lane, so that a call depends on the master of its lane
    and on no other, and one read names keys of one slot."""

    def lane(self, call_sid: str) -> int:
        return lane_of(call_sid, self.lanes)

    # Of one lane.

    def calls(self, lane: int) -> str:
        """Stream, groups `brain` and `egress`: dispatch of new calls."""
        return f"tl:{{{lane}}}:calls"

    def ringing(self, lane: int) -> str:
        """Stream, group `brain`: calls that were answered with a stream, and have none yet."""
        return f"tl:{{{lane}}}:ringing"

    def orphans(self, lane: int) -> str:
        """Stream, groups `brain` and `egress`: calls one of whose roles nobody has any more."""
        return f"tl:{{{lane}}}:orphans"

    def deadlines(self, lane: int) -> str:
        """Sorted set call_sid → ms of the server's time: calls that end then, unless they stream again."""
        return f"tl:{{{lane}}}:deadlines"

    def live(self, lane: int) -> str:
        """Sorted set call_sid → started_at_ms: who is on the line."""
        return f"tl:{{{lane}}}:live"

    def ended(self, lane: int) -> str:
        """Sorted set call_sid → ended_at_ms: who was on the line, as long as something of it stays."""
        return f"tl:{{{lane}}}:ended"

    def slots(self, lane: int) -> str:
        """Sorted set call_sid → lease end in ms: where processes of the version before count. No decision of
        this one hangs on it (docs/design.md, Admission)."""
        return f"tl:{{{lane}}}:slots"

    def janitor(self, lane: int) -> str:
        """Text: the ingress worker that tidies the lane up. Its TTL is the lease."""
        return f"tl:{{{lane}}}:janitor"

    def hooks(self, lane: int) -> str:
        """Stream, group `hooks`: what the user's own systems are still to be told (webhooks)."""
        return f"tl:{{{lane}}}:hooks"

    def tapes(self, lane: int) -> str:
        """Stream, group `recorder`: calls that have something to be recorded."""
        return f"tl:{{{lane}}}:tapes"

    def wake(self, lane: int, worker: str) -> str:
        """Stream: the doorbell of a worker in a lane."""
        return f"tl:{{{lane}}}:wake:{worker}"

    def owned(self, lane: int, worker: str) -> str:
        """Set of call_sids that a worker owns in a lane."""
        return f"tl:{{{lane}}}:owned:{worker}"

    # Of one call.

    def card(self, call_sid: str) -> str:
        """Hash: the only truth about a call's state. The other keys of the call add `:part` to it."""
        return f"tl:{{{self.lane(call_sid)}}}:call:{call_sid}"

    def card_in(self, lane: int, call_sid: str) -> str:
        """The same key, as a lane's own lists lead to it: what stands there need not be of that lane."""
        return f"tl:{{{lane}}}:call:{call_sid}"

    def part(self, call_sid: str, part: str) -> str:
        """A key of a call by the name of its part, one of CALL_PARTS."""
        if part not in CALL_PARTS:
            raise ValueError(f"expected one of {', '.join(CALL_PARTS)} as the part of a call, got {part!r}")
        return f"{self.card(call_sid)}:{part}"

    def caller(self, call_sid: str) -> str:
        """Stream: caller audio that the model has not got, a 20 ms frame an entry."""
        return f"{self.card(call_sid)}:caller"

    def turn(self, call_sid: str) -> str:
        """Stream: the last of what the model got of the caller, moved here from `caller`: for a next
        session."""
        return f"{self.card(call_sid)}:turn"

    def reply(self, call_sid: str) -> str:
        """Stream: model audio that the caller has not heard."""
        return f"{self.card(call_sid)}:reply"

    def control(self, call_sid: str) -> str:
        """Stream of control messages."""
        return f"{self.card(call_sid)}:control"

    def journal(self, call_sid: str) -> str:
        """Stream: one entry a transition, for people."""
        return f"{self.card(call_sid)}:journal"

    def history(self, call_sid: str) -> str:
        """Stream: items, what was heard of them, tools."""
        return f"{self.card(call_sid)}:history"

    def tape(self, call_sid: str) -> str:
        """Stream: both sides of the call as sound, while it is recorded or listened to."""
        return f"{self.card(call_sid)}:tape"

    def token(self, call_sid: str) -> str:
        """Hash: the issued and the spent stream tokens of a call."""
        return f"{self.card(call_sid)}:token"

    def number(self, call_sid: str) -> str:
        """Hash: the caller's number in full, for tools and webhooks. No command shows it."""
        return f"{self.card(call_sid)}:number"

    def nowhere(self, lane: int) -> str:
        """A stream that is never there, of the slot of a lane (see NOWHERE)."""
        return f"tl:{{{lane}}}:nowhere"

    # Of one worker, which serves calls of many lanes.

    def out(self, ingress_worker: str, lane: int = 0) -> str:
        """Stream: one entry a tick, many calls in it, egress (and brain) → ingress."""
        return f"tl:{{{lane}}}:out:{ingress_worker}" if self.spread else f"tl:out:{ingress_worker}"

    def back(self, egress_worker: str, lane: int = 0) -> str:
        """Stream: mark echoes and progress, ingress → egress."""
        return f"tl:{{{lane}}}:back:{egress_worker}" if self.spread else f"tl:back:{egress_worker}"

    @property
    def ways(self) -> range:
        """The lanes that have `out` and `back` of their own; lane 0 alone where all calls share them."""
        return range(self.lanes if self.spread else 1)

    def spent(self, day: str) -> str:
        """Hash: what all calls of a day have cost (shared/contract/bill/spent.py). One slot for all days."""
        return f"tl:{{spent}}:{day}"

    def worker(self, worker: str) -> str:
        """Hash: beat, host, pid, calls, capacity, loop lag, draining, version."""
        return f"tl:worker:{worker}"
