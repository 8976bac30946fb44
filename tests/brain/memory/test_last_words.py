"""The words with which a call ended: waited for, and not for long."""

from __future__ import annotations

import asyncio

import pytest

from brain.memory import last_words
from brain.memory.conversation import Conversation
from brain.memory.last_words import LastWords


async def test_they_are_waited_for_until_they_are_there() -> None:
    """A turn without its text; then the text."""
    conversation, done = Conversation(), asyncio.Event()
    words = LastWords(conversation, lambda: True)
    assert not words.are_awaited
    conversation.user_item("u")
    assert words.are_awaited

    waiting = asyncio.create_task(words.wait(done.set))
    await asyncio.sleep(0)
    assert not done.is_set()
    conversation.user_text("u", "goodbye")
    await waiting

    assert done.is_set()


async def test_words_that_cannot_come_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no session, or the time is up."""
    conversation, done = Conversation(), list[str]()
    conversation.user_item("u")
    assert not LastWords(conversation, lambda: False).are_awaited

    monkeypatch.setattr(last_words, "WAIT_MS", 0.0)
    await LastWords(conversation, lambda: True).wait(lambda: done.append("over"))

    assert done == ["over"]
