"""Tells ingress what it may have to say or play for an agent: Twilio's voice and its words, sounds of ours.

Why it exists: ingress knows no agents, and speaks when brains or Redis may be away; so what it may have to
say is told before it is needed. Owns: what of an agent is told, and how often. Must not know: who reads it,
what an apology is given for, when a sound is played. All brains of a deployment have the same file: the last
one that writes is believed.
"""

from __future__ import annotations

from brain.agents.agent import Agent
from brain.agents.book import AgentBook
from shared.contract.speech import Announcement, SpeechBook, keep_command, sound_commands, speech_commands
from shared.store.writing.writer import Writer
from shared.tongue import tongue_of

AGAIN_MS = 60_000.0
"""A Redis that came back empty has it again after this."""


class Publisher:
    """The pen for `tl:speech` and `tl:{sound}:…`. Never awaited."""

    __slots__ = ("_book", "_outbox", "_told_at_ms", "_told_version")

    def __init__(self, book: AgentBook, outbox: Writer) -> None:
        self._book = book
        self._outbox = outbox
        self._told_version = -1
        self._told_at_ms = 0.0

    def tell(self, now_ms: float) -> None:
        """To be called often: writes at once what has changed, and all of it again each minute."""
        if self._book.version == self._told_version and now_ms - self._told_at_ms < AGAIN_MS:
            return
        self._told_version, self._told_at_ms = self._book.version, now_ms
        for command in speech_commands(speech_of(self._book)):
            self._outbox.send(command)
        for sound_id, audio in loops_of(self._book).items():
            self._keep(sound_id, audio)

    def _keep(self, sound_id: str, audio: bytes) -> None:
        """Some hundred kB, which are written only where they are missing."""

        def answered(reply: object) -> None:
            if reply == 0:
                for command in sound_commands(sound_id, audio):
                    self._outbox.send(command)

        self._outbox.send(keep_command(sound_id), on_reply=answered)


def speech_of(book: AgentBook) -> SpeechBook:
    """What of the agents is told."""
    return SpeechBook(
        agents={agent.name: announcement_of(agent) for agent in book.agents}, numbers=dict(book.numbers)
    )


def loops_of(book: AgentBook) -> dict[str, bytes]:
    """What callers of any agent may hear while they wait, by name."""
    loops = (loop for agent in book.agents for loop in (agent.tool_sound, agent.hold_music))
    return {loop.id: loop.audio for loop in loops if loop is not None}


def announcement_of(agent: Agent) -> Announcement:
    """Of one agent."""
    tongue = tongue_of(agent.twilio_language or agent.language, agent.twilio_voice)
    return Announcement(
        language=tongue.language,
        voice=tongue.voice,
        apology=agent.apology,
        busy=agent.busy_message,
        fallback=agent.fallback_number,
    )
