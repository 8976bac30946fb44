"""The book of what Twilio's own voice says, and sounds: as written; who is found in it."""

from __future__ import annotations

import pytest

from shared.audio import FRAME_BYTES
from shared.contract.errors import ContractError
from shared.contract.keys import CALL_TTL_MS
from shared.contract.speech import (
    AUDIO,
    Announcement,
    SpeechBook,
    choose,
    in_frames,
    keep_command,
    read_speech,
    sound_commands,
    speech_commands,
)


def words(apology: str) -> Announcement:
    return Announcement(
        language="he-IL", voice="Google.he-IL-Standard-A", apology=apology, busy="תפוס", fallback=""
    )


BOOK = SpeechBook(
    agents={"default": words("Sorry."), "sales": words("סליחה")}, numbers={"+15550002222": "sales"}
)


def test_what_is_written_is_what_is_read() -> None:
    """All of it, in one field, with a TTL beside it."""
    written, lives = speech_commands(BOOK)
    assert (written.args[:2], lives.args[0]) == ((b"HSET", b"tl:speech"), b"PEXPIRE")
    assert read_speech(written.args[-1]) == BOOK


@pytest.mark.parametrize(
    ("asked", "called", "name"),
    [
        ("sales", "", "sales"),
        ("", "+15550002222", "sales"),
        ("", "sip:+15550002222@host", "sales"),
        ("", "15550002222", "sales"),
        ("", "+1 555 000 2222", "sales"),
        ("nobody", "+15550002222", "sales"),
        ("", "+15550009999", "default"),
        ("", "client:x", "default"),
    ],
)
def test_a_call_finds_its_agent(asked: str, called: str, name: str) -> None:
    """By name, else by the called number in any spelling, else the default."""
    assert choose(asked, called, BOOK.agents, BOOK.numbers) == name
    assert BOOK.find(asked, called) == BOOK.agents[name]


def test_an_empty_book_knows_nobody() -> None:
    """Its reader has its own words then."""
    assert SpeechBook(agents={}, numbers={}).find("sales", "+15550002222") is None


def test_an_agent_has_a_number_to_show() -> None:
    """The first of its own."""
    assert (BOOK.number_of("sales"), BOOK.number_of("default")) == ("+15550002222", "")


@pytest.mark.parametrize(
    "text",
    [b"{", b"[]", b"{}", b'{"v":2}', b'{"v":2,"agents":{},"numbers":[]}',
     b'{"v":2,"agents":{"a":1},"numbers":{}}',
     b'{"v":2,"agents":{"a":{"language":"he-IL"}},"numbers":{}}', b'{"v":2,"agents":{},"numbers":{"+1":7}}'],
)  # fmt: skip
def test_a_book_that_cannot_be_read_is_a_contract_error(text: bytes) -> None:
    """Its reader keeps the last one."""
    with pytest.raises(ContractError):
        read_speech(text)


def test_a_sound_is_written_in_whole_frames_and_lives_a_day() -> None:
    """Nobody pads it later; what is no more wanted goes by itself."""
    written, lives = sound_commands("0f3a", b"\x01" * 250)

    assert written.args == (b"HSET", b"tl:{sound}:0f3a", AUDIO.encode(), b"\x01" * 250 + b"\xff" * 70)
    assert lives == keep_command("0f3a")
    assert lives.args == (b"PEXPIRE", b"tl:{sound}:0f3a", b"%d" % CALL_TTL_MS)


def test_what_is_in_frames_stays_as_it_is() -> None:
    """And nothing stays nothing."""
    assert in_frames(b"\x01" * 2 * FRAME_BYTES) == b"\x01" * 2 * FRAME_BYTES
    assert in_frames(b"") == b""
