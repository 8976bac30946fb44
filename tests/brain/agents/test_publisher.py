"""What ingress is told of the agents: whose words, in which tongue, and how often."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from brain.agents.book import AgentBook
from brain.agents.publisher import AGAIN_MS, Publisher, announcement_of, speech_of
from shared.contract.command import Command
from shared.contract.keys import sound_key
from shared.contract.speech import read_speech
from shared.logs.log import get_log
from shared.settings import load
from shared.store.writing.outbox import Outbox
from shared.store.writing.write_queue import OnReply
from tests.brain.agents.sounds import write_tone

FILE = """
[default]
fallback_number = "+15550009999"
[agents.shalom]
numbers = ["+97231234567"]
language = "he"
apology = "מצטערים."
busy_message = "תפוס."
[agents.inherits]
language = "he"
[agents.joanna]
twilio_voice = "Polly.Joanna"
"""


class Notebook:
    """An outbox that keeps what it is given."""

    def __init__(self) -> None:
        self.sent: list[Sequence[bytes]] = []
        self.asked: list[OnReply] = []

    def send(self, command: Command, *, on_reply: OnReply | None = None) -> None:
        self.sent.append(command.args)
        if on_reply is not None:
            self.asked.append(on_reply)


def book(folder: Path, text: str = FILE, **settings: str) -> AgentBook:
    path = folder / "agents.toml"
    path.write_text(text, "utf-8")
    return AgentBook(load(env_file=None, agents_file=str(path), apology="Sorry.", **settings), get_log())


def test_an_agents_own_words_are_read_in_its_language(tmp_path: Path) -> None:
    """With a voice that speaks it."""
    told = speech_of(book(tmp_path))

    found = told.find("", "+97231234567")
    assert found is not None
    assert (found.apology, found.busy, found.language) == ("מצטערים.", "תפוס.", "he-IL")
    assert (found.voice, found.fallback) == ("Google.he-IL-Standard-A", "+15550009999")


def test_inherited_words_are_read_in_the_language_they_are_in(tmp_path: Path) -> None:
    """An English apology is not given to a Hebrew voice because the agent speaks Hebrew."""
    found = speech_of(book(tmp_path)).agents["inherits"]

    assert (found.apology, found.language, found.voice) == ("Sorry.", "en-US", "")


def test_a_voice_may_be_chosen(tmp_path: Path) -> None:
    """In the file, and for all in the settings."""
    assert speech_of(book(tmp_path)).agents["joanna"].voice == "Polly.Joanna"
    default = AgentBook(load(env_file=None, language="en", apology_language="he"), get_log()).pick("", "")
    assert announcement_of(default).language == "he-IL"


def test_a_voice_of_the_settings_does_not_read_another_language(tmp_path: Path) -> None:
    """The agent's own words get one that can."""
    found = speech_of(book(tmp_path, apology_voice="Polly.Joanna"))

    assert found.agents["default"].voice == "Polly.Joanna"
    assert found.agents["shalom"].voice == "Google.he-IL-Standard-A"


def test_it_is_told_at_once_each_minute_and_when_the_file_has_changed(tmp_path: Path) -> None:
    """A Redis that came back empty has it again; ingress learns of a new agent before it calls."""
    agents, outbox = book(tmp_path), Notebook()
    publisher = Publisher(agents, cast(Outbox, outbox))

    for now_ms in (1_000.0, 1_500.0, 1_000.0 + AGAIN_MS, 1_500.0 + AGAIN_MS):
        publisher.tell(now_ms)
    assert [args[0] for args in outbox.sent] == [b"HSET", b"PEXPIRE"] * 2

    (tmp_path / "agents.toml").write_text("[default]\napology = 'Anders.'", "utf-8")
    os.utime(tmp_path / "agents.toml", ns=(1, 1))
    agents.refresh()
    publisher.tell(2_000.0 + AGAIN_MS)
    assert len(outbox.sent) == 6
    assert read_speech(outbox.sent[4][-1]).agents["default"].apology == "Anders."


def test_sounds_are_written_where_they_are_missing(tmp_path: Path) -> None:
    """Once, whoever has them: they are large. What is there lives on for another day."""
    write_tone(tmp_path / "typing.wav")
    sound = "tool_sound = { file = 'typing.wav' }"
    told = book(tmp_path, f"[default]\n{sound}\n[agents.a]\n{sound}\n")
    notebook = Notebook()
    publisher = Publisher(told, cast(Outbox, notebook))

    publisher.tell(0.0)
    kept = notebook.sent[2:]
    loop = told.agents[0].tool_sound
    assert loop is not None
    key = sound_key(loop.id).encode()
    assert [args[:2] for args in kept] == [(b"PEXPIRE", key)]

    for answer, written in ((1, 0), (0, 2)):
        notebook.sent.clear()
        notebook.asked[0](answer)
        assert len(notebook.sent) == written
    assert notebook.sent[0][:2] == (b"HSET", key)
    assert notebook.sent[0][3].startswith(loop.audio)
