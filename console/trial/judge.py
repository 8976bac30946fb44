"""A scenario, what was heard and done, how the steps went → a verdict for each expectation. Pure.

Why it exists: whether a change of instructions is good must not depend on who listens. Owns: when an
expectation is met, and what is said of it: what was expected, what there was, when. Must not know: where any
of it comes from, how it is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from console.trial.heard import Heard
from console.trial.matching import call_written, has_phrase, lacks
from console.trial.scenario import (
    Expected,
    ExpectTool,
    ExpectWords,
    HangUp,
    Interrupt,
    Ruled,
    Scenario,
    Step,
)

MAX_SHOWN_CHARS: Final = 300

_FAILURE: Final = re.compile(r"step (\d+) (\w+): (.*)", re.DOTALL)
"""How the simulated caller says that one of their steps did not come true."""

ENDED_FIRST: Final = "expected the call to go on"
"""How it says that the other side hung up in the middle of one: to a caller who was about to, it is all the
same."""

HAVE_A_VERDICT: Final = (ExpectTool, ExpectWords, Interrupt)
"""Steps that are told of one by one."""


@dataclass(slots=True)
class Mark:
    """How a step of the scenario went, on the call's clock."""

    since_ms: float
    """When the caller began to do the last thing before it."""
    began_ms: float
    met_at_ms: float | None = None
    """When it came true, of an expectation; None: it has not, while it was waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One call, as far as it is judged."""

    heard: Heard
    marks: Mapping[int, Mark]
    """By the index of a step; a step without one was not reached."""
    owners: Sequence[int]
    """Which step of the scenario each step of the caller's plan belongs to."""
    ran_out: bool
    """Whether the caller hung up at the limit of the scenario."""
    failures: Sequence[str]
    """Steps of the plan that did not come true, in the simulator's words."""
    complaints: Sequence[str]
    """What Twilio would have logged."""
    ended_ms: float
    answers_ms: Sequence[float | None]
    """Of each of the caller's utterances: the time to the answer."""
    silences_ms: Sequence[float]
    """Of each interruption: the time to silence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One expectation."""

    line: int
    """Of the scenario; 0: of none."""
    expected: str
    met: bool
    got: str
    at_ms: float | None = None
    """When: it was met, or nothing came by then."""


def found_at(expected: Expected, heard: Heard, since_ms: float, until_ms: float) -> float | None:
    """When an expectation was met, counted from `since_ms` on; None if it was not by then."""
    match expected:
        case ExpectTool():
            for call in heard.tools_since(since_ms):
                if call.at_ms <= until_ms and call.name == expected.tool:
                    is_answered = not expected.result or has_phrase(call.result or "", expected.result)
                    if is_answered and not lacks(call.arguments, expected.arguments):
                        return call.at_ms
            return None
        case ExpectWords():
            begun = [each for each in heard.replies_since(since_ms) if (each.at_ms or 0.0) <= until_ms]
            said = " ".join(each.heard_by(until_ms) for each in begun)
            if not begun or not all(has_phrase(said, each) for each in expected.words):
                return None
            return begun[-1].at_ms


def judge(scenario: Scenario, story: Story) -> list[Verdict]:
    """Every verdict on a call, in the order of the file; what holds for the whole call comes last."""
    failed = _failed_steps(scenario, story)
    found = [
        verdict
        for index, step in enumerate(scenario.steps)
        if (verdict := _verdict(index, step, story, failed.get(index, ""))) is not None
    ]
    return [*found, *_rules(scenario, story), _course(scenario, story, failed), _complaints(story)]


# Private.

# One step.


def _verdict(index: int, step: Step, story: Story, failure: str) -> Verdict | None:
    """None for a step that nothing is expected of."""
    mark = story.marks.get(index)
    match step:
        case ExpectTool() | ExpectWords():
            return _expectation(step, mark, story)
        case Interrupt():
            expected = f"a reply to interrupt after {step.after_ms / 1000:g} s"
            if mark is None:
                return _not_reached(step.line, expected, story)
            return Verdict(
                line=step.line,
                expected=expected,
                met=not failure,
                got=failure or "it was interrupted",
                at_ms=mark.began_ms if failure else mark.met_at_ms,
            )
        case _:
            return None


def _expectation(step: Expected, mark: Mark | None, story: Story) -> Verdict:
    expected = described(step)
    if mark is None:
        return _not_reached(step.line, expected, story)
    until_ms = min(mark.began_ms + step.within_ms, story.ended_ms)
    met_at_ms = mark.met_at_ms
    if met_at_ms is None:
        # What was written in the last moment was read after it.
        met_at_ms = found_at(step, story.heard, mark.since_ms, until_ms)
    return Verdict(
        line=step.line,
        expected=expected,
        met=met_at_ms is not None,
        got=_got(step, story.heard, mark.since_ms, min(until_ms, _next_ms(mark, story))),
        at_ms=until_ms if met_at_ms is None else met_at_ms,
    )


def described(step: Expected) -> str:
    """An expectation in words."""
    within = f"within {step.within_ms / 1000:g} s"
    match step:
        case ExpectTool():
            result = f" with {step.result!r} in its result" if step.result else ""
            return f"{call_written(step.tool, step.arguments)}{result} {within}"
        case ExpectWords():
            return f"the words {', '.join(f'“{each}”' for each in step.words)} {within}"


def _next_ms(mark: Mark, story: Story) -> float:
    """When the caller did the next thing: what comes then is an answer to that."""
    later = (each.since_ms for each in story.marks.values() if each.since_ms > mark.since_ms)
    return min(later, default=story.ended_ms)


def _got(step: Expected, heard: Heard, since_ms: float, until_ms: float) -> str:
    """What there was of that kind, begun in between."""
    match step:
        case ExpectTool():
            calls = [
                f"{call.name}({call.arguments}) at {call.at_ms / 1000:.2f} s"
                f" → {call.result or 'no result yet'}"
                for call in heard.tools_since(since_ms)
                if call.at_ms <= until_ms
            ]
            return _shown("; ".join(calls)) or "no tool was called"
        case ExpectWords():
            begun = [each for each in heard.replies_since(since_ms) if (each.at_ms or 0.0) <= until_ms]
            said = " ".join(each.text for each in begun).strip()
            return f"“{_shown(said)}”" if said else "the agent said nothing"


def _not_reached(line: int, expected: str, story: Story) -> Verdict:
    got = f"the call was over at {story.ended_ms / 1000:.1f} s, before that step"
    return Verdict(line=line, expected=expected, met=False, got=got, at_ms=story.ended_ms)


# The whole call.


def _rules(scenario: Scenario, story: Story) -> Iterator[Verdict]:
    rules, heard = scenario.rules, story.heard
    if rules.outcome is not None:
        got = heard.outcome or "it was not closed"
        yield _ruled(rules.outcome, f"the outcome {rules.outcome.value}", got == rules.outcome.value, got)
    for rule in rules.never_words:
        said = [each for each in heard.replies if has_phrase(each.heard_by(story.ended_ms), str(rule.value))]
        at_ms = said[0].at_ms if said else None
        got = f"“{_shown(said[0].text)}”" if said else "nothing of it"
        yield _ruled(rule, f"never the words “{rule.value}”", not said, got, at_ms)
    for rule in rules.never_tools:
        calls = [each for each in heard.tools if each.name == rule.value]
        at_ms = calls[0].at_ms if calls else None
        got = f"{rule.value}({calls[0].arguments})" if calls else "it was not called"
        yield _ruled(rule, f"never the tool {rule.value}", not calls, got, at_ms)
    if rules.answer_within_ms is not None:
        yield _answers(rules.answer_within_ms, story)
    if rules.silent_within_ms is not None:
        yield _silences(rules.silent_within_ms, story)


def _answers(rule: Ruled, story: Story) -> Verdict:
    expected = f"every answer within {_number(rule):g} ms of the caller's last word"
    times = [each for each in story.answers_ms if each is not None]
    got = f"{max(times):.0f} ms at worst" if times else "no answer was timed"
    return _ruled(rule, expected, bool(times) and max(times) <= _number(rule), got)


def _silences(rule: Ruled, story: Story) -> Verdict:
    expected = f"silence within {_number(rule):g} ms of an interruption"
    times = story.silences_ms
    got = f"{max(times):.0f} ms at worst" if times else "no interruption was timed"
    return _ruled(rule, expected, bool(times) and max(times) <= _number(rule), got)


def _ruled(rule: Ruled, expected: str, met: bool, got: str, at_ms: float | None = None) -> Verdict:
    return Verdict(line=rule.line, expected=expected, met=met, got=got, at_ms=at_ms)


def _number(rule: Ruled) -> float:
    return float(str(rule.value))


def _course(scenario: Scenario, story: Story, failed: Mapping[int, str]) -> Verdict:
    """Whether the caller came to the end of what they were to do."""
    wrong = [f"it went on to its limit of {scenario.limit_ms / 1000:g} s"] if story.ran_out else []
    for index, step in enumerate(scenario.steps):
        if isinstance(step, HAVE_A_VERDICT):
            continue
        if index in failed and not (isinstance(step, HangUp) and ENDED_FIRST in failed[index]):
            wrong.append(f"{_place(index, step)}: {failed[index]}")
        if index not in story.marks and not isinstance(step, HangUp):
            wrong.append(f"{_place(index, step)} was not reached")
            break  # What follows was not either.
    return Verdict(
        line=0,
        expected="the caller comes to the end of the scenario",
        met=not wrong,
        got="; ".join(wrong) or "every step",
        at_ms=story.ended_ms if wrong else None,
    )


def _place(index: int, step: Step) -> str:
    return f"line {step.line}" if step.line else f"step {index + 1}"


def _complaints(story: Story) -> Verdict:
    got = "; ".join(dict.fromkeys(story.complaints)) or "nothing"
    return Verdict(line=0, expected="Twilio has nothing to complain about", met=not story.complaints, got=got)


def _failed_steps(scenario: Scenario, story: Story) -> dict[int, str]:
    """What became of the steps that did not come true, by their index. An expectation that was waited for in
    vain is not among them: what was heard by then decides."""
    found: dict[int, str] = {}
    for failure in story.failures:
        match = _FAILURE.match(failure)
        if match is None or int(match[1]) > len(story.owners):
            continue
        index = story.owners[int(match[1]) - 1]
        if index < len(scenario.steps) and not isinstance(scenario.steps[index], Expected):
            found.setdefault(index, match[3])
    return found


def _shown(text: str) -> str:
    return text if len(text) <= MAX_SHOWN_CHARS else f"{text[:MAX_SHOWN_CHARS]}…"
