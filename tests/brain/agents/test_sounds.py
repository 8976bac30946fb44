"""The sounds that an agent's table names: read, checked, inherited."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from brain.agents.agent import Agent, default_agent
from brain.agents.file import parse
from brain.agents.sounds import MUSIC_AFTER_MS, TOOL_AFTER_MS, TOOL_DB, with_sounds
from brain.errors import AgentsFileError
from brain.sound.files import SoundFiles
from shared.settings import load
from tests.brain.agents.sounds import write_tone


def agent_of(folder: Path, text: str, base: Agent | None = None) -> Agent:
    """The default agent of such a file."""
    table = parse(text, ("end_call",)).default
    base = default_agent(load(env_file=None)) if base is None else base
    return with_sounds(base, table, SoundFiles(folder), "default.")


def test_notices_are_said_in_their_order(tmp_path: Path) -> None:
    """With their words, and whether they may be cut short."""
    for name in ("opening.wav", "recording.wav"):
        write_tone(tmp_path / name)

    agent = agent_of(
        tmp_path,
        """
        [[default.notices]]
        file = "opening.wav"
        text = "Welcome to the flower shop."
        [[default.notices]]
        file = "recording.wav"
        text = "This call is recorded."
        interruptible = false
        """,
    )

    assert [(each.text, each.interruptible, each.ms) for each in agent.notices] == [
        ("Welcome to the flower shop.", True, 1_000),
        ("This call is recorded.", False, 1_000),
    ]
    assert not agent.server_interrupts


def test_what_is_heard_while_the_caller_waits_has_its_level(tmp_path: Path) -> None:
    """Its own, or one that is softer than a voice."""
    write_tone(tmp_path / "typing.wav")
    write_tone(tmp_path / "music.wav")

    agent = agent_of(
        tmp_path,
        "[default]\ntool_sound = { file = 'typing.wav' }\n"
        "hold_music = { file = 'music.wav', level_db = -3, after_ms = 0 }\n",
    )

    tool, music = agent.tool_sound, agent.hold_music
    assert tool is not None
    assert music is not None
    assert (tool.after_ms, tool.level_db) == (TOOL_AFTER_MS, TOOL_DB)
    assert (music.after_ms, music.level_db) == (0, -3.0)
    assert tool.id != music.id
    assert MUSIC_AFTER_MS < TOOL_AFTER_MS


def test_an_agent_has_the_sounds_of_the_default_unless_it_says_otherwise(tmp_path: Path) -> None:
    """An empty name, or an empty list, is none."""
    write_tone(tmp_path / "a.wav")
    base = agent_of(
        tmp_path,
        "[default]\ntool_sound = { file = 'a.wav' }\nnotices = [{ file = 'a.wav', text = 'Hello.' }]",
    )

    assert agent_of(tmp_path, "", base) == base
    without = agent_of(tmp_path, "[default]\ntool_sound = { file = '' }\nnotices = []", base)
    assert (without.tool_sound, without.notices) == (None, ())


def test_every_file_that_is_wrong_is_told_with_its_key(tmp_path: Path) -> None:
    """All at once."""
    write_tone(tmp_path / "short.wav", ms=100)

    with pytest.raises(AgentsFileError) as caught:
        agent_of(
            tmp_path,
            "[default]\nhold_music = { file = 'short.wav' }\n"
            "notices = [{ file = 'gone.wav', text = 'x' }, { file = 'short.wav', text = 'y' }]",
        )

    assert [problem.partition(": ")[0] for problem in caught.value.problems] == [
        "default.notices.0.file",
        "default.notices.1.file",
        "default.hold_music.file",
    ]


def test_no_sound_stands_on_the_card(tmp_path: Path) -> None:
    """Its file's name does."""
    write_tone(tmp_path / "a.wav")
    agent = agent_of(
        tmp_path,
        "[default]\ntool_sound = { file = 'a.wav' }\nnotices = [{ file = 'a.wav', text = 'Hello.' }]",
    )

    shown = orjson.loads(agent.snapshot())

    assert (shown["notices"], shown["tool_sound"], shown["hold_music"]) == (["a.wav"], "a.wav", "")


def test_a_recorded_agent_says_so_before_all_else(tmp_path: Path) -> None:
    """Before its notices, and nobody cuts it; another agent inherits it key by key, and may do without."""
    for name in ("opening.wav", "recorded.wav"):
        write_tone(tmp_path / name)
    agent = agent_of(
        tmp_path,
        """
        [default.recording]
        record = true
        announcement = { file = "recorded.wav", text = "This call is recorded." }
        [[default.notices]]
        file = "opening.wav"
        text = "Welcome."
        """,
    )
    assert [(each.text, each.interruptible) for each in agent.said_first] == [
        ("This call is recorded.", False),
        ("Welcome.", True),
    ]
    assert not agent.server_interrupts
    assert orjson.loads(agent.snapshot())["recording"] == {
        "record": True, "announcement": "recorded.wav", "announced": "by_us",
    }  # fmt: skip
    off = agent_of(tmp_path, "[default]\nrecording = { record = false }\n", agent)
    assert [each.text for each in off.said_first] == ["Welcome."]
    elsewhere = agent_of(tmp_path, '[default]\nrecording = { announced = "elsewhere" }\n', agent)
    assert (elsewhere.recording.record, elsewhere.recording.announcement) == (True, None)


def test_an_announcement_that_cannot_be_played_is_told_with_its_key(tmp_path: Path) -> None:
    with pytest.raises(AgentsFileError) as wrong:
        agent_of(tmp_path, "[default]\nrecording = { announcement = { file = 'no.wav', text = 'x' } }\n")
    (problem,) = wrong.value.problems
    assert problem.startswith("default.recording.announcement.file: no.wav: cannot be read")
