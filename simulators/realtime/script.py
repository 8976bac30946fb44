"""The conversation that the model has by heart.

Why it exists: without speech recognition, what the caller "said" in a turn is the script's line for it,
whatever audio was appended. Owns: reading scripts/*.toml and the choice of a reply. Must not know: events,
responses, time.

Turns are counted by the user messages in the conversation, so that a history restored into a new session goes
on where it was; after the last turn the first one follows again.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import cast

from simulators import clips


@dataclass(frozen=True, slots=True)
class Say:
    """A clip to be spoken; its text is the transcript."""

    clip: str
    words: str = ""
    """What is said, if it is no stored clip: whoever names it gives the simulator a voice that knows it."""

    @property
    def text(self) -> str:
        return self.words or clips.manifest()[self.clip].text


@dataclass(frozen=True, slots=True)
class Write:
    """An answer in text only."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function of the client's."""

    name: str
    arguments: str
    """JSON text."""


Output = Say | Write | Call
Reply = tuple[Output, ...]


@dataclass(frozen=True, slots=True)
class Turn:
    """What the caller says and what is answered."""

    heard_clip: str
    reply: Reply
    after: Reply
    """The answer once the outputs of the reply's calls are there; also said in place of calls when the
    session does not offer the function."""
    words: str = ""
    """What the caller says, if it is no stored clip."""

    @property
    def heard(self) -> str:
        """The caller's transcript."""
        return self.words or clips.manifest()[self.heard_clip].text


@dataclass(frozen=True, slots=True)
class Script:
    """One whole conversation."""

    name: str
    language: str
    greeting: Reply
    turns: Sequence[Turn]
    """At least one; a caller whose words are not known yet adds theirs before they say them."""
    idle: Reply
    other: Reply
    """For a response that nothing in the conversation asks for."""

    def turn(self, number: int) -> Turn:
        """The turn with this number, counted from 1; they cycle."""
        return self.turns[(number - 1) % len(self.turns)]


def load(name: str) -> Script:
    """A script by its name beside this module (`english`, `hebrew`), or by the path of a TOML file.

    Raises `FileNotFoundError`, or `ValueError` that says what is wrong in the file.
    """
    path = Path(name)
    folder = resources.files(__package__ or "simulators.realtime").joinpath("scripts")
    text = (
        path.read_text("utf-8")
        if path.suffix == ".toml"
        else folder.joinpath(f"{name}.toml").read_text("utf-8")
    )
    return _script(path.stem, tomllib.loads(text))


def _script(name: str, table: Mapping[str, object]) -> Script:
    turns = cast(Sequence[Mapping[str, object]], table.get("turns", ()))
    if not turns:
        raise ValueError(f"script {name!r}: expected at least one [[turns]] table, got none")
    return Script(
        name=name,
        language=str(table["language"]),
        greeting=_reply(name, table["greeting"]),
        turns=tuple(
            Turn(
                heard_clip=_clip(name, str(turn["heard"])),
                reply=_reply(name, turn["reply"]),
                after=_reply(name, turn.get("after", [])),
            )
            for turn in turns
        ),
        idle=_reply(name, table["idle"]),
        other=_reply(name, table["other"]),
    )


def _reply(script: str, outputs: object) -> Reply:
    return tuple(_output(script, output) for output in cast(list[dict[str, object]], outputs))


def _output(script: str, output: Mapping[str, object]) -> Output:
    match output:
        case {"say": str(clip)}:
            return Say(_clip(script, clip))
        case {"write": str(text)}:
            return Write(text)
        case {"call": str(name), "arguments": dict(arguments)}:
            return Call(name, json.dumps(arguments, ensure_ascii=False))
        case _:
            raise ValueError(
                f"script {script!r}: expected an output {{say}}, {{write}} or {{call, arguments}}, "
                f"got {dict(output)}"
            )


def _clip(script: str, name: str) -> str:
    if name not in clips.manifest():
        raise ValueError(f"script {script!r}: expected the name of a clip, got {name!r}")
    return name
