"""The real scripts on a real server, asked like the model and read like the model.

Why it exists: what is proven of a model is worth as much as the model is like the thing. Owns: the
translation of the model's requests into scripts, and of keys into the model's Redis.
"""

from __future__ import annotations

from typing import Any

import redis as sync_redis

from proofs.prove.states.ownership.redis import ENDED, FENCED, OK, Answer, Card, Redis, Request, Role
from shared.contract import claiming, steps, writes
from shared.contract.card import BrainServed, CutRaised, EgressServed, IngressFigures
from shared.contract.keys import Keys
from shared.contract.lua.scripts import ScriptCall
from shared.contract.steps import Deadline, Held, Leg, NewStream, Restored
from shared.contract.streams.calls import Ringing
from shared.contract.writes import Speaker

CALL = "CA" + "0" * 31 + "1"
LANE = 0
KEYS = Keys(1)
ROLES = ("brain", "egress")
NAMES = ("a1", "b1", "c1")
INGRESSES = ("i1", "j1")
WALL_MS = 1_700_000_000_000
FAR_MS = 3_600_000
EXPIRES_S = WALL_MS // 1000
"""A stream's number tells its age: so does its token."""

DEADLINES = {"": Deadline(FAR_MS, "no_new_stream")}
FIGURES = IngressFigures(
    w_ingress="", n_caller_frames=0, n_forwarded=0, unsent_bytes=0, owed_ms=0, owed_cause=""
)


class RealScripts:
    """One call on one server."""

    def __init__(self, url: str) -> None:
        self._client: Any = sync_redis.Redis.from_url(url)
        self.empty()

    def close(self) -> None:
        """Leaves the server empty."""
        self._client.flushall()
        self._client.close()

    def empty(self) -> None:
        """Redis comes back without anything; workers make their groups again."""
        self._client.flushall()
        for role in ROLES:
            self._client.xgroup_create(KEYS.calls(LANE), role, id="0", mkstream=True)
        self._client.xgroup_create(KEYS.ringing(LANE), ROLES[0], id="0", mkstream=True)

    def snapshot(self) -> dict[bytes, bytes]:
        """All there is."""
        return {key: self._client.dump(key) for key in self._client.scan_iter()}

    def fall_back(self, snapshot: dict[bytes, bytes]) -> None:
        """What was written since is lost."""
        self._client.flushall()
        for key, value in snapshot.items():
            self._client.restore(key, FAR_MS, value)

    def time_ms(self) -> int:
        """The server's."""
        seconds, micros = self._client.time()
        return int(seconds) * 1000 + int(micros) // 1000

    # Asked like the model.

    def execute(self, request: Request, *, nonce: int) -> Answer:
        """Carries out a request. `nonce`: the one that RESERVE would issue."""
        name, *args = request
        match name:
            case "reserve":
                return self._reserve(nonce, *args)
            case "expect":
                return self._expect(*args)
            case "attach":
                return self._attach(*args)
            case "detach":
                ingress = (self._client.hget(KEYS.card(CALL), "ingress") or b"ingress-i1").decode()
                step = steps.detach(
                    KEYS, _leg(*args), ingress=ingress, cause="x", wall_ms=WALL_MS, deadlines=DEADLINES
                )
                return self._kind(step)
            case "defer":
                leg, stream, outcome = args
                return self._kind(steps.defer(KEYS, _leg(leg, stream), Deadline(FAR_MS, str(outcome))))
            case "end":
                return self._end(*args)
            case "claim":
                return self._claim(*args)
            case "release":
                role, worker, epoch, heir = args
                step = claiming.release(
                    KEYS, CALL, role=ROLES[int(role)], worker=_worker(role, worker), epoch=int(epoch),
                    wall_ms=WALL_MS, heir=_worker(role, heir) if heir else "",
                )  # fmt: skip
                return self._fenced(step)
            case "disown":
                role, dead = args
                step = claiming.disown(
                    KEYS, LANE, role=ROLES[int(role)], dead=_worker(role, dead), by="me", wall_ms=WALL_MS
                )
                self._run(step)
                return Answer(OK)
            case "append" | "served":
                return self._write(str(name), *args)
            case "figures":
                return self._kind(writes.write_leg(KEYS, _leg(*args), FIGURES))
            case "restore":
                return self._restore(*args)
        raise ValueError(f"expected a request of the model, got {request}")

    def _run(self, step: ScriptCall) -> list[Any]:
        answer = self._client.eval(step.script.text, len(step.keys), *step.keys, *step.args)
        assert isinstance(answer, list)
        return answer

    def _kind(self, step: ScriptCall) -> Answer:
        return Answer(self._run(step)[0].decode())

    def _fenced(self, step: ScriptCall) -> Answer:
        kind, *rest = self._run(step)
        if kind != FENCED.encode():
            return Answer(kind.decode())
        owner, epoch = rest
        return Answer(FENCED, _short(owner), 0 if owner == ENDED.encode() else int(epoch))

    def _reserve(self, nonce: int, rings: str | int = False) -> Answer:
        step = steps.reserve(
            KEYS, CALL, wall_ms=WALL_MS, nonce=str(nonce),
            expires_at_ms=WALL_MS + FAR_MS, rings=Ringing(CALL, "", "+1555") if rings else None,
        )  # fmt: skip
        kind, *rest = self._run(step)
        return Answer(FENCED) if kind == b"ENDED" else Answer(kind.decode(), epoch=int(rest[0]))

    def _expect(self, role: str | int, worker: str | int) -> Answer:
        name, key = _worker(role, worker), KEYS.ringing(LANE)
        self._client.xreadgroup(ROLES[0], name, {key: ">"}, count=1)
        entry = next((entry_id.decode() for entry_id, _ in self._client.xrange(key)), "0-1")
        (kind,) = self._run(steps.expect(KEYS, CALL, worker=name, entry=entry))
        return Answer(FENCED if kind == b"LATE" else kind.decode())

    def _attach(self, stream: str | int, ingress: str | int, nonce: str | int, roles: str | int) -> Answer:
        step = steps.attach(KEYS, _stream(stream, ingress, nonce), wall_ms=WALL_MS, max_resumes=1000)
        kind, *rest = self._run(step)
        if kind == b"REFUSED":
            return Answer(FENCED, rest[0].decode())
        return Answer(OK, epoch=int(rest[0]))

    def _end(self, outcome: str | int, leg: str | int = 0, stream: str | int = 0) -> Answer:
        of = _leg(leg, stream) if leg else None
        step = steps.end(KEYS, CALL, outcome=str(outcome), by="me", wall_ms=WALL_MS, if_due=of)
        kind, *rest = self._run(step)
        return Answer(OK, rest[1].decode()) if kind == b"OK" else Answer(kind.decode())

    def _claim(self, role: str | int, worker: str | int, seen: str | int, entry: str | int) -> Answer:
        name, key = ROLES[int(role)], KEYS.calls(LANE)
        # What it was handed is pending; the entry of a new call stays until both roles have claimed.
        if entry == "calls":
            self._client.xreadgroup(name, _worker(role, worker), {key: ">"}, count=1)
        new = self._pending(name) if entry == "calls" else ""
        wanted = (int(role), str(entry).removeprefix("orphans"))
        found = [entry_id for entry_id, orphan in self._orphans() if orphan == wanted]
        is_orphan = str(entry).startswith("orphans") and bool(found)
        step = claiming.claim(
            KEYS, CALL, role=name, worker=_worker(role, worker), wall_ms=WALL_MS, seen=int(seen),
            again=bool(seen), new_entry=new, orphan_entry=found[0] if is_orphan else "",
        )  # fmt: skip
        claim = claiming.read_claim(self._run(step))
        if claim.answer == OK:
            attempts = int(claim.card[f"{name}_attempts"])
            return Answer(OK, str(worker), claim.epoch, attempts)
        refusal = claim.refusal
        if claim.answer != FENCED or refusal is None:
            return Answer(claim.answer.value)
        owner = _short(refusal.owner.encode())
        return Answer(FENCED, owner, 0 if owner == ENDED else refusal.epoch)

    def _write(self, name: str, role: str | int, worker: str | int, epoch: str | int) -> Answer:
        speaker = Speaker(CALL, ROLES[int(role)], _worker(role, worker), int(epoch))
        served = BrainServed(brain_attempts=0) if role == 0 else EgressServed(egress_attempts=0)
        record = served if name == "served" else CutRaised(cut=1)
        return self._fenced(writes.write_card(KEYS, speaker, record))

    def _restore(
        self, leg: str | int, stream: str | int, ingress: str | int, nonce: str | int, *held: str | int
    ) -> Answer:
        brain, egress = (
            Held(_worker(role, held[2 * role]) if held[2 * role] else "", int(held[2 * role + 1]))
            for role in range(2)
        )
        restored = Restored(
            stream=_stream(stream, ingress, nonce), leg=int(leg), brain=brain, egress=egress, cut=0,
            last_frame=0, started_at_ms=WALL_MS, resumes=0,
        )  # fmt: skip
        kind, is_new = self._run(steps.restore(KEYS, restored, wall_ms=WALL_MS))
        return Answer(kind.decode(), epoch=int(is_new))

    # Read like the model.

    def state(self) -> Redis:
        """What the keys say, in the model's words."""
        client = self._client
        token = {key.decode(): word.decode() for key, word in client.hgetall(KEYS.token(CALL)).items()}
        issued = token.pop("issued", "0").split("@")[0]
        expected_by = token.pop("expected_by", "")
        calls = frozenset(index for index, role in enumerate(ROLES) if self._is_offered(role))
        return Redis(
            card=self._card(),
            calls=calls,
            heir=_short(client.xrange(KEYS.calls(LANE))[0][1][b"heir"]) if calls else "",
            rings=client.xlen(KEYS.ringing(LANE)) > 0,
            expected_by=_short(expected_by.encode()),
            orphans=tuple(orphan for _, orphan in self._orphans()),
            owned=frozenset(self._owned()),
            slot=client.zscore(KEYS.slots(LANE), CALL) is not None,
            deadline=client.zscore(KEYS.deadlines(LANE), CALL) is not None,
            issued=int(issued),
            spent=frozenset((int(nonce), int(stream[2:], 16), "") for nonce, stream in token.items()),
        )

    def _card(self) -> Card | None:
        found = {key.decode(): word.decode() for key, word in self._client.hgetall(KEYS.card(CALL)).items()}
        if not found:
            return None
        roles = tuple(
            Role(_short(found[role].encode()), int(found[f"{role}_epoch"]), int(found[f"{role}_attempts"]))
            for role in ROLES
        )
        return Card(
            found["state"], int(found["leg"]), int(found["stream_sid"][2:], 16),
            _short(found["ingress"].encode()), roles, found.get("outcome", ""),
            found.get("deadline_outcome", ""),
        )  # fmt: skip

    def _is_offered(self, role: str) -> bool:
        client, key = self._client, KEYS.calls(LANE)
        entries = [entry_id for entry_id, _ in client.xrange(key)]
        if not entries:
            return False
        groups = {group["name"].decode(): group["last-delivered-id"] for group in client.xinfo_groups(key)}
        unread = [each for each in entries if _order(each) > _order(groups[role])]
        return bool(unread) or self._pending(role) in [each.decode() for each in entries]

    def _pending(self, role: str) -> str:
        entries = {entry_id for entry_id, _ in self._client.xrange(KEYS.calls(LANE))}
        found = self._client.xpending_range(KEYS.calls(LANE), role, "-", "+", 10)
        mine = [each["message_id"].decode() for each in found if each["message_id"] in entries]
        return mine[0] if mine else ""

    def _orphans(self) -> list[tuple[str, tuple[int, str]]]:
        return [
            (entry_id.decode(), (ROLES.index(fields[b"role"].decode()), _short(fields[b"heir"])))
            for entry_id, fields in self._client.xrange(KEYS.orphans(LANE))
        ]

    def _owned(self) -> list[tuple[int, str]]:
        asked = [(role, name, _worker(role, name)) for role in range(2) for name in NAMES]
        asked += [(-1, name, f"ingress-{name}") for name in INGRESSES]
        client = self._client
        return [(role, name) for role, name, key in asked if client.sismember(KEYS.owned(LANE, key), CALL)]


# Private.


def _worker(role: str | int, name: str | int) -> str:
    return f"{ROLES[int(role)]}-{name}"


def _short(worker: bytes) -> str:
    return worker.decode().rpartition("-")[2]


def _order(entry_id: bytes) -> tuple[int, ...]:
    return tuple(int(part) for part in entry_id.decode().split("-"))


def _leg(number: str | int, stream: str | int) -> Leg:
    return Leg(CALL, int(number), f"MZ{int(stream):032x}", EXPIRES_S + int(stream))


def _stream(stream: str | int, ingress: str | int, nonce: str | int) -> NewStream:
    return NewStream(
        call_sid=CALL, stream_sid=f"MZ{int(stream):032x}", ingress=f"ingress-{ingress}", nonce=str(nonce),
        caller_number="…11", called_number="…22", agent="default", token_expires_s=EXPIRES_S + int(stream),
    )  # fmt: skip
