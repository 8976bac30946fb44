"""Verdicts: what is met, what is not, and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from console.trial.heard import Heard, Reply, ToolCall
from console.trial.judge import Mark, Story, Verdict, found_at, judge
from console.trial.scenario import (
    ExpectTool,
    ExpectWords,
    HangUp,
    Interrupt,
    Ruled,
    Rules,
    Say,
    Scenario,
    Step,
    Words,
)

STOCK = ToolCall(at_ms=2000, name="stock", arguments='{"model": "Kestrel"}', result='{"count": "three"}')
THREE = Reply(at_ms=3000, text="Yes, we have three.", share=1.0)


def done(*tools: ToolCall, replies: Sequence[Reply] = (), outcome: str = "completed") -> Heard:
    return Heard(replies=replies, tools=tools, outcome=outcome)


def story(heard: Heard, marks: Mapping[int, Mark], **changes: object) -> Story:
    """A call of ten seconds in which nothing went wrong, but for `changes`."""
    told: dict[str, object] = {
        "heard": heard, "marks": marks, "owners": [], "ran_out": False, "failures": [], "complaints": [],
        "ended_ms": 10_000.0, "answers_ms": [], "silences_ms": [], **changes,
    }  # fmt: skip
    return Story(**told)  # type: ignore[arg-type]


def scenario(*steps: Step, **changes: object) -> Scenario:
    return Scenario(name="x", steps=steps, **changes)  # type: ignore[arg-type]


TOOL = ExpectTool(line=5, tool="stock", arguments={"model": "Kestrel"}, within_ms=4000)
SAID = ExpectWords(line=7, words=("three",), within_ms=4000)


@pytest.mark.parametrize(
    ("expected", "at_ms"),
    [
        (TOOL, 2000),
        (ExpectTool(line=1, tool="stock"), 2000),
        (ExpectTool(line=1, tool="stock", result="three"), 2000),
        (ExpectTool(line=1, tool="stock", result="four"), None),
        (ExpectTool(line=1, tool="stock", arguments={"model": "Falcon"}), None),
        (ExpectTool(line=1, tool="order"), None),
        (SAID, 3000),
        (ExpectWords(line=1, words=("three", "yes")), 3000),
        (ExpectWords(line=1, words=("three", "no")), None),
    ],
)
def test_when_an_expectation_is_met(expected: ExpectTool | ExpectWords, at_ms: float | None) -> None:
    """Each of its parts counts."""
    assert found_at(expected, done(STOCK, replies=[THREE]), 1000, 9000) == at_ms


@pytest.mark.parametrize("expected", [TOOL, SAID])
def test_what_was_before_or_comes_after_does_not_count(expected: ExpectTool | ExpectWords) -> None:
    """An answer to something else; too late."""
    heard = done(STOCK, replies=[THREE])
    assert found_at(expected, heard, 3001, 9000) is None
    assert found_at(expected, heard, 1000, 1999) is None


def test_a_result_that_is_still_to_come_is_none_yet() -> None:
    """The tool runs."""
    runs = ToolCall(at_ms=2000, name="stock", arguments="{}")
    assert found_at(ExpectTool(line=1, tool="stock", result="three"), done(runs), 0, 9000) is None
    assert found_at(ExpectTool(line=1, tool="stock"), done(runs), 0, 9000) == 2000


def test_words_of_several_replies_are_taken_together() -> None:
    """Before and after a tool."""
    replies = [Reply(at_ms=1500, text="One moment.", share=1.0), THREE]
    expected = ExpectWords(line=1, words=("moment", "three"))
    assert found_at(expected, done(replies=replies), 1000, 9000) == 3000


def by_line(verdicts: list[Verdict]) -> dict[int, Verdict]:
    return {each.line: each for each in verdicts if each.line}


def test_what_is_met_says_when() -> None:
    """As it was seen while it was waited for."""
    found = judge(scenario(TOOL), story(done(STOCK), {0: Mark(0, 1900, met_at_ms=2000)}))
    assert by_line(found)[5] == Verdict(
        line=5,
        expected='stock(model="Kestrel") within 4 s',
        met=True,
        got='stock({"model": "Kestrel"}) at 2.00 s → {"count": "three"}',
        at_ms=2000,
    )


def test_what_is_not_met_says_what_there_was_and_until_when() -> None:
    """Expected, got, when."""
    falcon = ToolCall(at_ms=2000, name="stock", arguments='{"model": "Falcon"}')
    found = judge(
        scenario(TOOL, SAID, ExpectWords(line=9, words=("x",))),
        story(done(falcon, replies=[THREE]), {0: Mark(1000, 1500), 1: Mark(3500, 5500), 2: Mark(2500, 5500)}),
    )
    tool, said, other = by_line(found).values()
    assert (tool.met, tool.at_ms) == (False, 5500)
    assert tool.got == 'stock({"model": "Falcon"}) at 2.00 s → no result yet'
    assert (said.expected, said.met, said.got, said.at_ms) == (
        "the words “three” within 4 s", False, "the agent said nothing", 9500,
    )  # fmt: skip
    assert (other.got, other.at_ms) == ("“Yes, we have three.”", 10_000)


def test_what_was_written_in_the_last_moment_counts() -> None:
    """The call was over before it was read."""
    found = judge(scenario(TOOL), story(done(STOCK), {0: Mark(0, 1900)}, ended_ms=2100.0))
    assert by_line(found)[5].met


def test_a_step_that_was_never_reached_is_not_met() -> None:
    """It says that the call was over."""
    found = judge(scenario(TOOL, Interrupt(line=6, words=Words(text="No!"))), story(done(), {}))
    assert [(each.met, each.got) for each in by_line(found).values()] == [
        (False, "the call was over at 10.0 s, before that step")
    ] * 2


def test_an_interruption_is_told_of() -> None:
    """Where there was a reply to interrupt, and where there was none."""
    steps = scenario(Interrupt(line=6, words=Words(text="No!"), after_ms=800))
    marks = {0: Mark(0, 4000, met_at_ms=5000)}
    assert by_line(judge(steps, story(done(), marks)))[6] == Verdict(
        line=6, expected="a reply to interrupt after 0.8 s", met=True, got="it was interrupted", at_ms=5000
    )
    failed = story(done(), marks, owners=[0], failures=["step 1 WaitUntil: expected a reply, got silence"])
    assert by_line(judge(steps, failed))[6] == Verdict(
        line=6,
        expected="a reply to interrupt after 0.8 s",
        met=False,
        got="expected a reply, got silence",
        at_ms=4000,
    )


def course(found: list[Verdict]) -> Verdict:
    return next(each for each in found if each.expected == "the caller comes to the end of the scenario")


SAYS = (Say(line=2, words=Words(text="a")), Say(line=4, words=Words(text="b")), HangUp(line=6))
MARKS = {0: Mark(0, 1), 1: Mark(1, 2), 2: Mark(2, 3)}


def test_the_caller_came_to_the_end() -> None:
    """Every step."""
    assert course(judge(scenario(*SAYS), story(done(), MARKS))) == Verdict(
        line=0, expected="the caller comes to the end of the scenario", met=True, got="every step"
    )


def test_a_step_that_did_not_come_true_is_named_by_its_line() -> None:
    """In the words of whoever waited."""
    failures = ["step 4 WaitUntil: expected the agent to begin to speak within 20000 ms, got silence"]
    found = course(judge(scenario(*SAYS), story(done(), MARKS, owners=[0, 0, 0, 1], failures=failures)))
    assert not found.met
    assert found.got == "line 4: expected the agent to begin to speak within 20000 ms, got silence"


def test_a_caller_who_was_not_let_finish() -> None:
    """The agent hung up before the second sentence."""
    found = course(judge(scenario(*SAYS), story(done(), {0: Mark(0, 1)})))
    assert (found.met, found.got) == (False, "line 4 was not reached")


def test_who_was_about_to_hang_up_does_not_mind() -> None:
    """Where the agent has hung up first."""
    failures = ["step 3 WaitUntil: expected the call to go on, got its end (bridge_hung_up) 300 ms in"]
    assert course(judge(scenario(*SAYS), story(done(), MARKS, owners=[0, 1, 2], failures=failures))).met
    assert course(judge(scenario(*SAYS), story(done(), {0: Mark(0, 1), 1: Mark(1, 2)}))).met


def test_a_call_that_went_on_to_its_limit() -> None:
    """Whatever its steps."""
    found = course(judge(scenario(*SAYS, limit_ms=60_000.0), story(done(), MARKS, ran_out=True)))
    assert (found.met, found.got) == (False, "it went on to its limit of 60 s")


def test_steps_without_a_line_are_named_by_their_number() -> None:
    """Those of the command line."""
    steps = (Say(line=0, words=Words(text="a")), HangUp(line=0))
    assert course(judge(scenario(*steps), story(done(), {}))).got == "step 1 was not reached"


def test_an_expectation_that_was_waited_for_in_vain_is_told_once() -> None:
    """By its own verdict."""
    failures = ["step 1 WaitUntil: expected stock() within 4000 ms, got silence"]
    found = judge(scenario(TOOL), story(done(), {0: Mark(0, 0)}, owners=[0], failures=failures))
    assert [each.line for each in found if not each.met] == [5]


RULES = Rules(
    outcome=Ruled(20, "hangup"),
    never_words=(Ruled(21, "sorry"),),
    never_tools=(Ruled(22, "stock"),),
    answer_within_ms=Ruled(23, 1000.0),
    silent_within_ms=Ruled(24, 500.0),
)


def test_rules_of_the_whole_call_that_are_kept() -> None:
    """Each with what there was."""
    told = story(done(replies=[THREE], outcome="hangup"), {}, answers_ms=[None, 900.0], silences_ms=[45.0])
    found = by_line(judge(scenario(rules=RULES), told))
    assert {line: (each.met, each.got) for line, each in found.items()} == {
        20: (True, "hangup"),
        21: (True, "nothing of it"),
        22: (True, "it was not called"),
        23: (True, "900 ms at worst"),
        24: (True, "45 ms at worst"),
    }


def test_rules_that_are_broken() -> None:
    """Where, and when."""
    sorry = Reply(at_ms=4000, text="Sorry, no.", share=1.0)
    told = story(done(STOCK, replies=[sorry]), {}, answers_ms=[1200.0], silences_ms=[800.0, 45.0])
    found = by_line(judge(scenario(rules=RULES), told))
    assert {line: (each.met, each.got, each.at_ms) for line, each in found.items()} == {
        20: (False, "completed", None),
        21: (False, "“Sorry, no.”", 4000),
        22: (False, 'stock({"model": "Kestrel"})', 2000),
        23: (False, "1200 ms at worst", None),
        24: (False, "800 ms at worst", None),
    }


def test_a_rule_about_times_is_not_kept_where_nothing_was_timed() -> None:
    """Nothing was tried then."""
    found = by_line(judge(scenario(rules=RULES), story(done(outcome=""), {}, answers_ms=[None])))
    assert [found[line].got for line in (20, 23, 24)] == [
        "it was not closed", "no answer was timed", "no interruption was timed",
    ]  # fmt: skip
    assert not any(found[line].met for line in (20, 23, 24))


def test_what_was_cut_before_the_caller_heard_it_was_not_said() -> None:
    """A word that must not be said may stand in the part that nobody heard."""
    cut = Reply(at_ms=4000, text="We have three of them, but sorry, no.", share=0.5)
    rules = Rules(never_words=(Ruled(21, "sorry"),))
    assert by_line(judge(scenario(rules=rules), story(done(replies=[cut]), {})))[21].met


def test_what_twilio_would_have_logged_is_a_failure() -> None:
    """Each kind once."""
    found = judge(scenario(), story(done(), {}, complaints=["31951 x", "31951 x"]))
    assert (found[-1].met, found[-1].got) == (False, "31951 x")


def test_what_answers_the_next_thing_is_not_told_as_an_answer_to_this() -> None:
    """Of words as of tools."""
    later = ToolCall(at_ms=6000, name="order", arguments="{}")
    replies = [THREE, Reply(at_ms=6500, text="Closed.", share=1.0)]
    steps = scenario(ExpectWords(line=1, words=("four",)), ExpectTool(line=2, tool="x"), SAID)
    marks = {0: Mark(1000, 1000), 1: Mark(1000, 1000), 2: Mark(5000, 5000)}
    found = by_line(judge(steps, story(done(STOCK, later, replies=replies), marks)))
    assert found[1].got == "“Yes, we have three.”"
    assert "order" not in found[2].got
