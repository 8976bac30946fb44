"""What the page may say, and how it is read: its socket is a door of its own."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from console.phone.wire import (
    DIGITS,
    MESSAGE_MOST_CHARS,
    BadMessage,
    Break,
    Bye,
    Echo,
    FromPage,
    How,
    Key,
    Kill,
    Sound,
    State,
    read_page,
    told,
)

FRAME = base64.b64encode(b"\xff" * 160).decode()


@pytest.mark.parametrize(
    ("message", "read"),
    [
        ({"event": "media", "media": {"payload": FRAME}}, Sound(FRAME.encode())),
        ({"event": "media", "media": {"payload": FRAME, "track": "x"}, "more": 1}, Sound(FRAME.encode())),
        ({"event": "mark", "mark": {"name": "m1"}}, Echo("m1")),
        ({"event": "dtmf", "dtmf": {"digit": "#"}}, Key("#")),
        ({"event": "hangup"}, Bye()),
        ({"event": "break", "how": "cut"}, Break(How.CUT)),
        ({"event": "break", "how": "kill"}, Kill()),
    ],
)
def test_a_message_of_the_page_is_read(message: dict[str, Any], read: FromPage) -> None:
    """What is more in it is left out: it is written here."""
    assert read_page(json.dumps(message)) == read


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "1",
        "{",
        "null",
        '{"event":"start"}',
        '{"event":"stop"}',
        '{"event":"media"}',
        '{"event":"media","media":{"payload":""}}',
        '{"event":"media","media":{"payload":"<script>"}}',
        '{"event":"media","media":{"payload":"AAAA\\n"}}',
        '{"event":"media","media":{"payload":7}}',
        '{"event":"dtmf","dtmf":{"digit":"12"}}',
        '{"event":"dtmf","dtmf":{"digit":""}}',
        '{"event":"mark","mark":{"name":"' + "x" * 300 + '"}}',
        '{"event":"break","how":"rm -rf"}',
        '{"event":"hangup"}' + " " * MESSAGE_MOST_CHARS,
    ],
)
def test_what_is_no_message_of_the_page_is_not_passed_on(text: str) -> None:
    """And is not repeated in the error."""
    with pytest.raises(BadMessage, match="expected") as caught:
        read_page(text)
    assert "script" not in str(caught.value)


def test_all_keys_of_a_telephone() -> None:
    """Sixteen."""
    assert len(DIGITS) == 16
    for each in DIGITS:
        assert read_page(json.dumps({"event": "dtmf", "dtmf": {"digit": each}})) == Key(each)


def test_the_page_is_told() -> None:
    """As JSON that no message of Twilio's could be taken for."""
    assert json.loads(told(State.OVER, words="</script>")) == {
        "event": "phone", "now": "over", "words": "</script>",
    }  # fmt: skip
