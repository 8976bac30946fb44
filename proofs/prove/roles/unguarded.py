"""A role process in which one guard is switched off.

Why it exists: a guard that is never missed is no guard, and a proof that does not fail without it proves
nothing. Owns: for each guard the one place where it stands, and what stands there without it. Product code
has no such switch: modules are changed from here, before the role imports them. Must not know: which row
shall fail then.
"""

from __future__ import annotations

import importlib
import re
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from hashlib import sha1
from typing import Any, Final

from shared.contract.streams.pairs import frames_in

WITHOUT: Final = "CHAOS_WITHOUT"
"""Environment variable: the guard that is off."""

_FENCED_SCRIPTS: Final = ("APPEND", "TRIM", "TURN")
_IS_NOT_OWNER: Final = re.compile(r"has\[[23]\] ~= (?:ARGV\[\w+\]|BRAIN)")
_RETRIES: Final = 3


def install(guard: str, role: str) -> None:
    """Takes the guard away from this process. To be called before anything of the role is imported. Raises
    LookupError for a guard that there is not, or that does not stand where it stood."""
    if guard not in GUARDS:
        raise LookupError(f"expected one of {', '.join(GUARDS)}, got {guard!r}")
    try:
        GUARDS[guard](role)
    except (ImportError, AttributeError) as error:
        raise LookupError(f"expected the guard {guard} where it stood, got {error}") from error


def unfenced(text: str) -> str:
    """A script that lets everybody write, owner or not; an ended call is refused all the same. Raises
    LookupError for a script that has no fence."""
    lines = text.split("\n")
    found = [
        _IS_NOT_OWNER.sub("false", line) if "'FENCED'" in line and not line.startswith("--") else line
        for line in lines
    ]
    if found == lines:
        raise LookupError("expected a comparison with the card's owner, got a script without one")
    return "\n".join(found)


# Private.


def _no_fence(_role: str) -> None:
    """Whoever believes that a call is theirs may write, in Redis and at the caller's ear."""
    scripts = importlib.import_module("shared.contract.lua.scripts")
    changed = {}
    for name in _FENCED_SCRIPTS:
        script = getattr(scripts, name)
        text = unfenced(script.text)
        sha = sha1(text.encode(), usedforsecurity=False).hexdigest()
        changed[script] = replace(script, text=text, sha=sha)
        setattr(scripts, name, changed[script])
    scripts.ALL = tuple(changed.get(script, script) for script in scripts.ALL)  # type: ignore[attr-defined]
    fence = _class("ingress.calls.fence", "Fence")
    call = _class("ingress.calls.call", "IngressCall")
    admit_frame, admit, receive_frames = fence.admit_frame, fence.admit, call.receive_frames

    def any_frame(self: Any, leg: int, epoch: int, cut: int, n: int) -> Any:
        return admit_frame(self, leg, max(epoch, self.egress_epoch), cut, n)

    def anybody(self: Any, name: Any) -> Any:
        return admit(self, replace(name, epoch=max(name.epoch, self.egress_epoch, self.brain_epoch)))

    def whole_group(
        self: Any, worker: str, leg: int, epoch: int, cut: int, n: int, audio: bytes, now_ms: float
    ) -> None:
        self.fence.last_frame = min(self.fence.last_frame, n - frames_in(audio))  # As if none were heard yet.
        receive_frames(self, worker, leg, epoch, cut, n, audio, now_ms)

    fence.admit_frame, fence.admit, call.receive_frames = any_frame, anybody, whole_group


def _no_cut_check(role: str) -> None:
    """What the model still sends of a response that was cut goes on to the caller, with what is said now."""
    if role != "brain":
        return
    responses = importlib.import_module("brain.sequencer.responses")
    skip = _class("brain.sequencer.actions", "Skip")
    admit: Callable[..., Any] = vars(responses)["admit_audio"]
    offsets: dict[str, int] = {}

    def admit_all(state: Any, response_id: str, item_id: str, size: int, *rest: Any, **named: Any) -> Any:
        verdict = admit(state, response_id, item_id, size, *rest, **named)
        if verdict.skip not in (skip.RETIRED, skip.FINISHED):
            return verdict
        item = state.items.get(item_id)
        offset_bytes = offsets.get(item_id, 0 if item is None else item.received_bytes)
        offsets[item_id] = offset_bytes + size
        return replace(verdict, skip=None, offset_bytes=offset_bytes)

    responses.admit_audio = admit_all  # type: ignore[attr-defined]


def _lease(_role: str) -> None:
    """Silence counts whatever hinders the observer, as with a key that expires."""
    liveness = _class("shared.ownership.liveness", "Liveness")
    assert callable(liveness._passed_ms)
    looked_ms: dict[int, float] = {}

    def passed_ms(self: Any, _awake_ms: float, **_: object) -> float:
        now_ms = time.monotonic() * 1000
        before_ms = looked_ms.get(id(self), now_ms)
        looked_ms[id(self)] = now_ms
        return now_ms - before_ms

    liveness._passed_ms = passed_ms


def _library_retry(_role: str) -> None:
    """The library repeats a command whose answer did not come."""
    for name in ("pools", "servers"):
        module = importlib.import_module(f"shared.store.reach.{name}")
        retry: Callable[..., Any] = vars(module)["Retry"]
        module.Retry = partial(_retrying, retry)  # type: ignore[attr-defined]


def _retrying(retry: Callable[..., Any], backoff: Any, _retries: int) -> Any:
    return retry(backoff, _RETRIES)


def _no_clips(_role: str) -> None:
    """Ingress plays nothing of its own while nobody speaks: the same length of silence."""
    audio = importlib.import_module("shared.audio")
    module = importlib.import_module("ingress.sound.hold_clip")
    clip: Callable[[], bytes] = module.hold_clip
    silence = bytes([audio.SILENCE_BYTE]) * len(clip())
    module.hold_clip = lambda: silence  # type: ignore[attr-defined]


def _no_janitor(_role: str) -> None:
    """Nobody tidies up."""
    janitor = _class("ingress.janitor.sweep", "Janitor")
    assert callable(janitor.round)

    async def idle(_self: Any) -> None:
        return

    janitor.round = idle


def _class(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


GUARDS: Final[dict[str, Callable[[str], None]]] = {
    "fence": _no_fence,
    "lease": _lease,
    "retry": _library_retry,
    "cut": _no_cut_check,
    "clips": _no_clips,
    "janitor": _no_janitor,
}
"""Guard → what takes it away."""
