"""Tells ingress what Twilio's own voice says for each agent: words, language, voice, fallback number.

Why it exists: ingress knows no agents, and speaks when brains or Redis may be away; so what it may have to
say is told before it is needed. Owns: what of an agent is told, and how often. Must not know: who reads it,
what an apology is given for. All brains of a deployment have the same file: the last one that writes is
believed.
"""

from __future__ import annotations

from brain.agents.agent import Agent
from brain.agents.book import AgentBook
from shared.contract.speech import Announcement, SpeechBook, speech_commands
from shared.store.outbox import Outbox
from shared.tongue import tongue_of

AGAIN_MS = 60_000.0
"""A Redis that came back empty has it again after this."""


class Publisher:
    """The pen for `tl:speech`. Never awaited."""

    __slots__ = ("_book", "_outbox", "_told_at_ms", "_told_version")

    def __init__(self, book: AgentBook, outbox: Outbox) -> None:
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


def speech_of(book: AgentBook) -> SpeechBook:
    """What of the agents is told."""
    return SpeechBook(
        agents={agent.name: announcement_of(agent) for agent in book.agents}, numbers=dict(book.numbers)
    )


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
