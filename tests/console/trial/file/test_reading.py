"""Scenario files: what they mean, and what is wrong in them."""

from __future__ import annotations

import pytest

from console.trial.file.reading import ScenarioError, parse
from console.trial.scenario import (
    Answer,
    CallsTool,
    Event,
    ExpectTool,
    ExpectWords,
    HangUp,
    Interrupt,
    Press,
    Rest,
    Ruled,
    Rules,
    Say,
    SaysText,
    Scenario,
    Simulated,
    WaitFor,
    Words,
)

WHOLE = """\
agent = "sales"
from = "+15550006789"
to = "+15550002222"
language = "en"
limit_s = 60

[simulator]
greeting = "Bicycles."
other = "Yes?"

[[steps]]
wait_for = "reply"

[[steps]]
say = "A Kestrel?"
model = [{ call = "stock", arguments = { model = "Kestrel" } }]
then = "Three."

[[steps]]
expect = { tool = "stock", arguments = { model = "Kestrel" }, result = "three", within_s = 5 }

[[steps]]
interrupt = { wav = "no.wav", text = "No!" }
after_ms = 800
model = ["Well.", "Goodbye."]

[[steps]]
expect = { words = "goodbye" }

[[steps]]
press = "12#"
now = true

[[steps]]
pause_s = 0.5

[[steps]]
say = { clip = "en_caller_ask" }

[[steps]]
wait_for = "end"
within_s = 3

[expect]
outcome = "hangup"
never_words = ["sorry", "cannot"]
never_tools = "transfer_call"
answer_within_ms = 1500
silent_within_ms = 600
"""


def test_a_whole_file() -> None:
    """Each step with its line."""
    calls = Answer(acts=(CallsTool("stock", {"model": "Kestrel"}),), then=(SaysText("Three."),))
    assert parse(WHOLE, "w.toml") == Scenario(
        name="w.toml",
        agent="sales",
        from_number="+15550006789",
        to_number="+15550002222",
        language="en",
        limit_ms=60_000.0,
        simulated=Simulated(greeting="Bicycles.", other="Yes?"),
        steps=(
            WaitFor(line=12, event=Event.REPLY),
            Say(line=15, words=Words(text="A Kestrel?"), answer=calls),
            ExpectTool(
                line=20, tool="stock", arguments={"model": "Kestrel"}, result="three", within_ms=5000.0
            ),
            Interrupt(
                line=23,
                words=Words(wav="no.wav", text="No!"),
                after_ms=800.0,
                answer=Answer(acts=(SaysText("Well."), SaysText("Goodbye."))),
            ),
            ExpectWords(line=28, words=("goodbye",)),
            Press(line=31, keys="12#", now=True),
            Rest(line=35, ms=500.0),
            Say(line=38, words=Words(clip="en_caller_ask")),
            WaitFor(line=41, event=Event.END, within_ms=3000.0),
        ),
        rules=Rules(
            outcome=Ruled(45, "hangup"),
            never_words=(Ruled(46, "sorry"), Ruled(46, "cannot")),
            never_tools=(Ruled(47, "transfer_call"),),
            answer_within_ms=Ruled(48, 1500.0),
            silent_within_ms=Ruled(49, 600.0),
        ),
    )


def test_the_least_that_a_file_can_say() -> None:
    """All else is what it usually is."""
    assert parse("[[steps]]\nhang_up = true\n", "x").steps == (HangUp(line=2),)


def problems(text: str) -> list[str]:
    with pytest.raises(ScenarioError) as refused:
        parse(text, "x.toml")
    return refused.value.problems


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        ('sya = "x"', "2: sya: there is no such key. Did you mean say?"),
        (
            'say = "x"\npress = "1"',
            "1: expected one thing to do in each [[steps]] (say, interrupt, press, wait_for, pause_s,"
            " hang_up, expect), got say, press.",
        ),
        ('say = ""', "2: say: expected a text, got ''."),
        ("say = 1", '2: say: expected a text, { clip = "…" } or { wav = "…" }, got 1.'),
        (
            'say = { text = "x" }',
            """2: say: expected a text, { clip = "…" } or { wav = "…" }, got {'text': 'x'}.""",
        ),
        ('say = "x"\nafter_ms = 5', "3: after_ms: there is no such key."),
        ('say = "x"\nnow = 1', "3: now: expected true or false, got 1."),
        (
            'say = "x"\nthen = "y"',
            "3: then: expected a call of a tool in model, which this follows; got none.",
        ),
        ('say = "x"\nmodel = 3', "3: model: expected a text, { call ="),
        ('say = "x"\nmodel = [{ arguments = {} }]', "3: call: expected the name of a tool, got none."),
        (
            'say = "x"\nmodel = { call = "a", argument = 1 }',
            "3: argument: there is no such key. Did you mean arguments?",
        ),
        (
            'say = "x"\nmodel = { call = "a", arguments = { d = 2026-01-01 } }',
            "3: arguments: expected what JSON can say",
        ),
        ('press = "12x"', "2: press: expected keys: 0 to 9, *, #, A to D, got '12x'."),
        ('press = "1#2#"', "2: press: expected # at the end only"),
        ('wait_for = "silence"', "2: wait_for: expected speech, reply, end, got 'silence'."),
        ("hang_up = false", "2: hang_up: expected true, got False."),
        ("pause_s = 0", "2: pause_s: expected a number above 0, up to 600, got 0."),
        ("expect = {}", "2: words: expected either tool or words in expect, got neither."),
        (
            'expect = { tool = "a", words = "b" }',
            "2: tool: expected either tool or words in expect, got both.",
        ),
        (
            'expect = { tool = "a", argument = { } }',
            "2: argument: there is no such key. Did you mean arguments?",
        ),
        ("expect = { words = [] }", "2: words: expected a text, or a list of texts, got []."),
        ('expect = "x"', "2: expect: expected a table, got 'x'."),
    ],
)
def test_what_is_wrong_in_a_step_is_said_with_its_line(step: str, problem: str) -> None:
    """The line of the key; of what is missing that of the step."""
    assert any(each.startswith(f"x.toml:{problem}") for each in problems(f"[[steps]]\n{step}\n"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "1: steps: expected one or more [[steps]], each with one thing to do, got none."),
        ("steps = 1", "1: steps: expected one or more [[steps]]"),
        ("agnet = 'x'\n[[steps]]\nhang_up = true", "1: agnet: there is no such key. Did you mean agent?"),
        (
            "limit_s = -1\n[[steps]]\nhang_up = true",
            "1: limit_s: expected a number above 0, up to 3600, got -1.",
        ),
        (
            "[[steps]]\nhang_up = true\n[expect]\noutcom = 'x'",
            "4: outcom: there is no such key. Did you mean outcome?",
        ),
        ("[[steps]]\nhang_up = true\n[simulator]\ngreting = 'x'", "4: greting: there is no such key."),
        ("[[steps]]\nhang_up = true\n[[steps]]\nsay = 'x'", "3: nothing can follow the end of the call."),
        ("[[steps]]\nwait_for = 'end'\n[[steps]]\nsay = 'x'", "3: nothing can follow the end of the call."),
        ("[[steps]]\nsay = 'x'\nsay 1", "3: expected TOML, got: "),
        ("[[steps]]\nsay = [1,\n", "3: expected TOML, got: "),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_its_line(text: str, problem: str) -> None:
    """TOML itself, keys, values, the order of steps."""
    assert any(each.startswith(f"x.toml:{problem}") for each in problems(text))


def test_all_problems_are_told_in_the_order_of_their_lines() -> None:
    """Not one after another, each after a new try."""
    found = problems("limit_s = 0\n[[steps]]\nsay = 1\n[[steps]]\npress = 'x'\n[expect]\nx = 1\n")
    assert [each.split(":")[1] for each in found] == ["1", "3", "5", "7"]


def test_an_unknown_clip_is_named_with_those_that_there_are() -> None:
    """Few remember them."""
    (problem,) = problems("[[steps]]\nsay = { clip = 'en_caller_aks' }")
    assert problem.startswith("x.toml:2: clip: expected one of the stored clips (en_caller_ask, ")
