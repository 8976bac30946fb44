"""What Twilio's own voice is to say to a caller: what the brains last told of the agents, else the settings.

Why it exists: ingress knows no agents, and has to say something just when brains or Redis are away. Owns: the
last book that was read, when it is read again, what stands in for it. Must not know: documents, why something
is said.
"""

from __future__ import annotations

import asyncio

from shared.contract.errors import ContractError
from shared.contract.speech import Announcement, SpeechBook
from shared.logs.log import Log
from shared.ownership.counters import OwnershipCounters
from shared.ownership.steps import read_speech_book
from shared.settings import Settings
from shared.store.client import Store
from shared.store.errors import STORE_ERRORS
from shared.tongue import tongue_of

READ_EVERY_S = 10.0


class Announcer:
    """One a process."""

    def __init__(self, settings: Settings, store: Store, counters: OwnershipCounters, log: Log) -> None:
        self._store = store
        self._counters = counters
        self._log = log
        self._book = SpeechBook(agents={}, numbers={})
        tongue = tongue_of(settings.apology_language or settings.language, settings.apology_voice)
        self._last_resort = Announcement(
            language=tongue.language,
            voice=tongue.voice,
            apology=settings.apology,
            busy=settings.busy_message,
            fallback=settings.fallback_number,
        )

    async def run(self) -> None:
        """Reads the book again and again. Cancelling it is safe: the last one stays."""
        while True:
            await self.read()
            await asyncio.sleep(READ_EVERY_S)

    async def read(self) -> None:
        """Takes up what the brains have told. Without Redis, or with nothing told there, the last book
        stays. Cancelling it is safe."""
        try:
            book = await read_speech_book(self._store)
        except STORE_ERRORS as error:
            self._log.debug("redis_away", reason=type(error).__name__)
        except ContractError as error:
            self._counters.unread(error, self._log)
        else:
            if book is not None:
                self._book = book

    def find(self, agent: str, called: str) -> Announcement:
        """For a call that asked for `agent` (empty: for none), or came to the number `called`."""
        return self._book.find(agent, called) or self._last_resort

    def own_number(self, agent: str) -> str:
        """A called number of the agent's, to be shown to whom it dials; empty: it has none."""
        return self._book.number_of(agent)
