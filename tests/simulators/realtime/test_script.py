"""Scripts."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulators import clips
from simulators.realtime import script
from simulators.realtime.script import Call, Say, Turn

MINIMAL = """
language = "en"
greeting = [{ write = "Hi" }]
idle = []
other = []
[[turns]]
heard = "en_caller_ask"
reply = [REPLY]
"""


@pytest.mark.parametrize(("name", "language"), [("english", "en"), ("hebrew", "he")])
def test_the_shipped_scripts(name: str, language: str) -> None:
    """Greeting, long reply, call and answer, goodbye; all in one language."""
    loaded = script.load(name)
    first, second, third = loaded.turns
    assert loaded.language == language
    assert isinstance(first.reply[0], Say)
    assert clips.manifest()[first.reply[0].clip].duration_ms > 8000
    assert second.reply == (Call("check_order", '{"order_number": "4217"}'),)
    assert second.after
    assert isinstance(third.reply[0], Say)
    assert clips.manifest()[third.reply[0].clip].duration_ms < 3000
    assert all(clips.manifest()[turn.heard_clip].language == language for turn in loaded.turns)


def test_turns_cycle() -> None:
    """A call of any length finds a reply."""
    loaded = script.load("english")
    assert loaded.turn(1) == loaded.turn(4) == loaded.turn(7)


def test_a_script_of_ones_own(tmp_path: Path) -> None:
    """Any TOML file is a script."""
    path = tmp_path / "mine.toml"
    path.write_text(MINIMAL.replace("REPLY", '{ say = "en_model_short" }'), "utf-8")
    loaded = script.load(str(path))
    assert loaded.name == "mine"
    assert loaded.turn(1).heard.startswith("Hello")


@pytest.mark.parametrize(
    ("reply", "complaint"),
    [('{ say = "nobody" }', "a clip, got 'nobody'"), ("{ sing = 1 }", "expected an output")],
)
def test_a_wrong_script_is_explained(tmp_path: Path, reply: str, complaint: str) -> None:
    """What is wrong is said when it is read, not in the middle of a call."""
    path = tmp_path / "wrong.toml"
    path.write_text(MINIMAL.replace("REPLY", reply), "utf-8")
    with pytest.raises(ValueError, match=complaint):
        script.load(str(path))


def test_a_script_without_turns_is_refused(tmp_path: Path) -> None:
    """There must be something to answer."""
    path = tmp_path / "empty.toml"
    path.write_text('language = "en"', "utf-8")
    with pytest.raises(ValueError, match="at least one"):
        script.load(str(path))


def test_words_that_are_no_stored_clip() -> None:
    """Whoever names them gives the simulator a voice that knows them."""
    said, turn = Say("k", words="Yes, three."), Turn(heard_clip="", reply=(), after=(), words="A Kestrel?")
    assert said.text == "Yes, three."
    assert turn.heard == "A Kestrel?"
    assert Say("en_model_short").text == clips.manifest()["en_model_short"].text


def test_turns_may_be_added_while_the_conversation_goes_on() -> None:
    """A caller whose words are not known yet."""
    turns = [Turn(heard_clip="en_caller_ask", reply=(), after=())]
    loaded = script.Script(name="n", language="en", greeting=(), turns=turns, idle=(), other=())
    turns.append(Turn(heard_clip="", reply=(), after=(), words="and more"))
    assert loaded.turn(2).heard == "and more"
