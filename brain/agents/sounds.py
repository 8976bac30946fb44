"""The sounds of one agent: its files, read and checked.

Why it exists: an agent names files, which a brain must find out to be wrong at its start and not in a call.
Owns: which keys name a sound, what is said where the file does not. Must not know: what a good file is
(brain.sound), when anything is played.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from brain.agents.agent import Agent, Recorded
from brain.agents.file import AgentTable
from brain.agents.keys import LoopTable, RecordingTable
from brain.errors import AgentsFileError
from brain.sound.files import SoundFiles
from brain.sound.kinds import Loop, Notice

TOOL_AFTER_MS, TOOL_DB = 800, -20.0
"""A tool that is quicker is not heard; and the caller may speak over it."""

MUSIC_AFTER_MS, MUSIC_DB = 500, -10.0


def with_sounds(agent: Agent, table: AgentTable, files: SoundFiles, path: str) -> Agent:
    """The same agent with the sounds that its table names. `path`: of the table, for what is wrong in it.
    Blocks. Raises AgentsFileError, with a line for each file."""
    said: dict[str, Any] = {}
    problems: list[str] = []
    notices: list[Notice] = []
    for number, each in enumerate(table.notices or ()):
        try:
            audio = files.notice(each.file)
        except ValueError as wrong:
            problems.append(f"{path}notices.{number}.file: {wrong}.")
            continue
        notices.append(Notice(file=each.file, text=each.text, interruptible=each.interruptible, audio=audio))
    if table.notices is not None:
        said["notices"] = tuple(notices)
    for key, named, after_ms, level_db in (
        ("tool_sound", table.tool_sound, TOOL_AFTER_MS, TOOL_DB),
        ("hold_music", table.hold_music, MUSIC_AFTER_MS, MUSIC_DB),
    ):
        if named is not None:
            try:
                said[key] = _loop(named, files, after_ms, level_db)
            except ValueError as wrong:
                problems.append(f"{path}{key}.file: {wrong}.")
    try:
        said["recording"] = _recorded(agent.recording, table.recording, files)
    except ValueError as wrong:
        problems.append(f"{path}recording.announcement.file: {wrong}.")
    if problems:
        raise AgentsFileError(problems)
    return replace(agent, **said)


# Private.


def _recorded(base: Recorded, table: RecordingTable, files: SoundFiles) -> Recorded:
    """Key by key. Raises ValueError for a file that cannot be played."""
    said: dict[str, Any] = table.model_dump(exclude_none=True, exclude={"announcement"})
    named = table.announcement
    if named is not None:
        audio = files.notice(named.file)
        said["announcement"] = Notice(file=named.file, text=named.text, interruptible=False, audio=audio)
    elif table.announced == "elsewhere":
        said["announcement"] = None
    return replace(base, **said)


def _loop(table: LoopTable, files: SoundFiles, after_ms: int, level_db: float) -> Loop | None:
    """An empty name: no sound, though `[default]` has one."""
    if not table.file:
        return None
    level_db = level_db if table.level_db is None else table.level_db
    after_ms = after_ms if table.after_ms is None else table.after_ms
    audio = files.loop(table.file, level_db)
    return Loop(file=table.file, after_ms=after_ms, level_db=level_db, audio=audio)
