"""A call's lines: names, and one line with a count for a response that is not admitted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from brain.call.lines import MAX_SKIPPING, CallLog
from shared.contract.streams.journal import Kind
from shared.logs.log import Log
from shared.ownership.journal import JournalPen


@dataclass
class Paper:
    """Takes journal lines and log lines."""

    journaled: list[tuple[Kind, dict[str, str]]] = field(default_factory=list)
    logged: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def note(self, call_sid: str, kind: Kind, **fields: str) -> None:
        self.journaled.append((kind, fields))

    def info(self, event: str, **fields: str) -> None:
        self.logged.append((event, fields))


def make_log() -> tuple[CallLog, Paper]:
    paper = Paper()
    return CallLog(cast(JournalPen, paper), cast(Log, paper), "CA1"), paper


def test_skipped_audio_is_one_line_with_a_count() -> None:
    """Three deltas, one line, when the response is done; a second `done` writes nothing."""
    log, paper = make_log()
    log.note(Kind.AUDIO_DELTA_SKIP, response="r1", item="i1", why="retired")
    for _ in range(3):
        log.skipped("r1")
    assert paper.journaled == []

    log.response_done("r1")
    log.response_done("r1")

    fields = {"response": "r1", "item": "i1", "why": "retired", "count": "3"}
    assert paper.journaled == [(Kind.AUDIO_DELTA_SKIP, fields)]
    assert paper.logged == [("audio_delta_skip", fields)]


def test_lines_that_wait_are_bounded_and_written_at_the_end() -> None:
    """A `done` that never comes keeps no line back for ever."""
    log, paper = make_log()
    for number in range(MAX_SKIPPING + 2):
        log.note(Kind.AUDIO_DELTA_SKIP, response=f"r{number}")
        log.skipped(f"r{number}")
    assert len(paper.journaled) == 2

    log.session_over()

    assert [fields["response"] for _, fields in paper.journaled] == [
        f"r{number}" for number in range(MAX_SKIPPING + 2)
    ]


def test_speaking_has_names_of_its_own_in_the_log() -> None:
    """What egress calls audible and silent is ai_speaking_started and _stopped for people."""
    log, paper = make_log()
    for kind in (Kind.AUDIBLE, Kind.SILENT, Kind.RESPONSE_CREATE):
        log.note(kind, response="r1")
    log.skipped("unknown")

    names = ["ai_speaking_started", "ai_speaking_stopped", "response_create"]
    assert paper.logged == [(name, {"response": "r1"}) for name in names]
    assert [kind for kind, _ in paper.journaled] == [
        Kind.AUDIBLE,
        Kind.SILENT,
        Kind.RESPONSE_CREATE,
    ]


def test_ends_of_items_that_nobody_heard_are_one_line_beside_it() -> None:
    """Two items of one response, and a delta: two lines, each with its count."""
    log, paper = make_log()
    log.note(Kind.AUDIO_DONE_SKIP, response="r1", item="i1")
    log.note(Kind.AUDIO_DELTA_SKIP, response="r1", item="i2", why="retired")
    log.skipped("r1")
    log.note(Kind.AUDIO_DONE_SKIP, response="r1", item="i2")

    log.response_done("r1")

    assert [(kind, fields["count"]) for kind, fields in paper.journaled] == [
        (Kind.AUDIO_DONE_SKIP, "2"),
        (Kind.AUDIO_DELTA_SKIP, "1"),
    ]
