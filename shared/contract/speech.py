"""What a caller hears that no model says: Twilio's own voice (`tl:speech`), users' sounds (`tl:{sound}:…`).

Why it exists: ingress knows no agents, and must be able to say something when nothing else is there. So the
brains publish what they know of it, and every ingress keeps the last that it read. Owns: the record of one
agent, the book of all, the form of a sound, both ways; the rule by which a call finds its agent. Pure. Must
not know: when it is written or read, what a sound is for (`fill` of `out` says so).

The id of a sound is made of it: another sound has another one, and what stands under an id never changes.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass

import orjson

from shared.audio import FRAME_BYTES, SILENCE_BYTE
from shared.contract import record
from shared.contract.command import Command
from shared.contract.errors import ContractError
from shared.contract.keys import CALL_TTL_MS, SPEECH, sound_key
from shared.forms import number_in

DEFAULT = "default"
"""The agent of every call that names no other."""

BOOK = "book"
"""The one field of the hash: written whole, so that what is gone from the file is gone."""

AUDIO = "audio"
"""The one field of the hash: µ-law in whole frames of 20 ms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """What Twilio's voice says for one agent."""

    language: str
    """As Twilio writes it (`he-IL`); empty: left out."""
    voice: str
    """Twilio's name of a voice; empty: its default."""
    apology: str
    busy: str
    """Said when all lines are taken."""
    fallback: str
    """The number that is dialled after either; empty: none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechBook:
    """All agents. `numbers`: called number → name of its agent."""

    agents: Mapping[str, Announcement]
    numbers: Mapping[str, str]

    def find(self, asked_for: str, called: str) -> Announcement | None:
        """As a brain would choose; None if even the default agent is not there."""
        return self.agents.get(choose(asked_for, called, self.agents, self.numbers))

    def number_of(self, name: str) -> str:
        """The first called number of an agent, which is ours to show; empty if it has none."""
        return next((number for number, owner in self.numbers.items() if owner == name), "")


def choose(asked_for: str, called: str, agents: Container[str], numbers: Mapping[str, str]) -> str:
    """The name of a call's agent: the one that is asked for, else the called number's, else the default.

    The called number may be spelt in any way that carriers use.
    """
    if asked_for in agents:
        return asked_for
    return numbers.get(called) or numbers.get(number_in(called), DEFAULT)


def speech_commands(book: SpeechBook) -> tuple[Command, Command]:
    """Writes the whole book. It outlives its writers by a day: an ingress may start while no brain lives."""
    text = orjson.dumps(
        {
            "v": record.CONTRACT,
            "agents": {name: record.write(each) for name, each in book.agents.items()},
            "numbers": dict(book.numbers),
        }
    )
    key = SPEECH.encode()
    return (
        Command(key, (b"HSET", key, BOOK.encode(), text)),
        Command(key, (b"PEXPIRE", key, b"%d" % CALL_TTL_MS)),
    )


def read_speech(text: bytes) -> SpeechBook:
    """The book as it was written. Raises ContractError."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise ContractError("SpeechBook", BOOK, "JSON", text[:40]) from None
    if not isinstance(found, dict):
        raise ContractError("SpeechBook", BOOK, "an object", found)
    version, agents, numbers = found.get("v"), found.get("agents"), found.get("numbers")
    if not isinstance(version, int):
        raise ContractError("SpeechBook", "v", "a whole number", version)
    if not isinstance(agents, dict) or not all(isinstance(each, dict) for each in agents.values()):
        raise ContractError("SpeechBook", "agents", "an object of objects", agents)
    if not isinstance(numbers, dict) or not all(isinstance(each, str) for each in numbers.values()):
        raise ContractError("SpeechBook", "numbers", "an object of texts", numbers)
    return SpeechBook(
        agents={name: record.read(Announcement, each, version=version) for name, each in agents.items()},
        numbers=numbers,
    )


def in_frames(audio: bytes) -> bytes:
    """µ-law in whole frames, as it stands in the key."""
    return audio + bytes([SILENCE_BYTE]) * (-len(audio) % FRAME_BYTES)


def sound_commands(sound_id: str, audio: bytes) -> tuple[Command, Command]:
    """Writes a sound. It outlives its writers by a day."""
    key = sound_key(sound_id).encode()
    return Command(key, (b"HSET", key, AUDIO.encode(), in_frames(audio))), keep_command(sound_id)


def keep_command(sound_id: str) -> Command:
    """It is still wanted. Answers 0 where it is not there (any more)."""
    key = sound_key(sound_id).encode()
    return Command(key, (b"PEXPIRE", key, b"%d" % CALL_TTL_MS))
