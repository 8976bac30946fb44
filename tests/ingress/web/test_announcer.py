"""What Twilio's own voice is to say: told by the brains, kept, and never missing."""

from __future__ import annotations

from ingress.web.announcer import Announcer
from shared.contract.keys import SPEECH
from shared.contract.speech import BOOK, SpeechBook, speech_commands
from shared.logs.log import get_log
from shared.ownership.counters import OwnershipCounters
from shared.store.client import Store, make_store
from tests.ingress.harness import HEBREW, make_settings
from tests.support.servers import free_port

TOLD = SpeechBook(agents={"default": HEBREW}, numbers={"+15550002222": "default"})


def announcer(store: Store, **settings: str) -> Announcer:
    return Announcer(
        make_settings("redis://127.0.0.1:1/0", **settings), store, OwnershipCounters(), get_log()
    )


async def tell(store: Store) -> None:
    for command in speech_commands(TOLD):
        await store.execute(command)


async def test_what_the_brains_have_told_is_said(store: Store) -> None:
    """By agent, by called number, or by default."""
    await tell(store)
    found = announcer(store)
    await found.read()
    assert found.find("", "+15550002222") == found.find("nobody", "") == HEBREW
    assert found.own_number("default") == "+15550002222"


async def test_it_is_kept_when_it_is_gone_and_when_it_cannot_be_read(store: Store) -> None:
    """A Redis that came back empty, and one into which a hand has written."""
    await tell(store)
    found = announcer(store)
    await found.read()
    await store.delete(SPEECH)
    await found.read()
    assert found.find("", "") == HEBREW
    await store.hset(SPEECH, BOOK, "{")
    await found.read()
    assert found.find("", "") == HEBREW
    assert found._counters.contract_errors == 1


async def test_without_redis_the_settings_are_the_last_resort() -> None:
    """In the language that they say."""
    store = make_store(f"redis://127.0.0.1:{free_port()}/0", name="test")
    found = announcer(store, language="he", fallback_number="+15550009999")
    await found.read()
    said = found.find("sales", "+15550002222")
    assert (said.apology, said.busy, said.fallback) == ("Sorry.", "Busy.", "+15550009999")
    assert (said.language, said.voice) == ("he-IL", "Google.he-IL-Standard-A")
    await store.aclose()


async def test_the_settings_may_name_tongue_and_voice() -> None:
    """Where the words of the settings are not in the callers' language."""
    store = make_store("redis://127.0.0.1:1/0", name="test")
    said = announcer(store, language="he", apology_language="en", apology_voice="woman").find("", "")
    assert (said.language, said.voice) == ("en-US", "woman")
    await store.aclose()
