"""A scenario file → a scenario, or what is wrong in it: a problem a line, with its place in the file.

Why it exists: a file that is written by hand has slips, and one that is half understood tries something else
than what is meant. Owns: the keys of the file, their forms and bounds. Pure but for the names of the stored
clips. Must not know: where the file lies, what a scenario is used for.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from console.trial.file.places import Path, line_of
from console.trial.file.tables import Table
from console.trial.scenario import (
    DEFAULT_INTERRUPT_AFTER_MS,
    DEFAULT_LIMIT_MS,
    DEFAULT_WITHIN_MS,
    Act,
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
    Step,
    WaitFor,
    Words,
)
from shared.forms import Problems
from simulators import clips

MAX_WAIT_S: Final = 600.0
KEYS: Final = frozenset("0123456789*#ABCD")

_AT_LINE: Final = re.compile(r"\(at line (\d+), column \d+\)")


class ScenarioError(Problems):
    """The file is wrong in one or more places."""


def parse(text: str, name: str) -> Scenario:
    """The scenario of a file's text; `name` stands in its problems. Raises ScenarioError."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _AT_LINE.search(str(error))
        line = found[1] if found else str(text.count("\n") + 1)
        got = _AT_LINE.sub("", str(error)).strip()
        raise ScenarioError([f"{name}:{line}: expected TOML, got: {got}."]) from None
    problems: list[tuple[Path, str]] = []
    scenario = _scenario(Table(tree, (), problems, text), name)
    if problems:
        told = sorted((line_of(text, path), words) for path, words in problems)
        raise ScenarioError([f"{name}:{line}: {words}" for line, words in told])
    return scenario


# Private.


def _scenario(table: Table, name: str) -> Scenario:
    made = Scenario(
        name=name,
        agent=table.words("agent"),
        from_number=table.words("from"),
        to_number=table.words("to"),
        language=table.words("language"),
        limit_ms=table.number("limit_s", DEFAULT_LIMIT_MS / 1000, 3600.0) * 1000,
        steps=_steps(table),
        rules=_rules(table.inner("expect")),
        simulated=_simulated(table.inner("simulator")),
    )
    table.close()
    return made


def _simulated(table: Table | None) -> Simulated:
    if table is None:
        return Simulated()
    made = Simulated(greeting=table.words("greeting"), other=table.words("other"), idle=table.words("idle"))
    table.close()
    return made


def _rules(table: Table | None) -> Rules:
    if table is None:
        return Rules()

    def each(key: str) -> tuple[Ruled, ...]:
        return tuple(Ruled(table.line_at(key), value) for value in table.list_of_words(key))

    def limit(key: str) -> Ruled | None:
        value = table.number(key, 0.0, 60_000.0)
        return Ruled(table.line_at(key), value) if value else None

    outcome = table.words("outcome")
    made = Rules(
        outcome=Ruled(table.line_at("outcome"), outcome) if outcome else None,
        never_words=each("never_words"),
        never_tools=each("never_tools"),
        answer_within_ms=limit("answer_within_ms"),
        silent_within_ms=limit("silent_within_ms"),
    )
    table.close()
    return made


# Steps.


def _steps(table: Table) -> tuple[Step, ...]:
    key = "steps"
    found = table.values[key] if table.has(key) else []
    if not isinstance(found, list) or not found or not all(isinstance(each, dict) for each in found):
        table.misplaced(key, "expected one or more [[steps]], each with one thing to do, got none.")
        return ()
    steps: list[Step] = []
    for number, values in enumerate(found):
        step = _step(table.inside(values, key, number))
        if step is None:
            continue
        if steps and _ends(steps[-1]):
            table.problems.append(((key, number), "nothing can follow the end of the call."))
        steps.append(step)
    return tuple(steps)


def _ends(step: Step) -> bool:
    return isinstance(step, HangUp) or (isinstance(step, WaitFor) and step.event is Event.END)


def _step(table: Table) -> Step | None:
    """None for one that is wrong."""
    wanted = [(verb, make) for verb, make in _VERBS if table.has(verb)]
    if len(wanted) != 1:
        got = ", ".join(verb for verb, _ in wanted) or "none of them"
        verbs = ", ".join(verb for verb, _ in _VERBS)
        expected = f"expected one thing to do in each [[steps]] ({verbs})"
        table.problems.append((table.path, f"{expected}, got {got}."))
        # What else stands there belongs to one of them, and nobody knows to which.
        table.known.update(_BESIDE)
        table.close()
        return None
    ((_, make),) = wanted
    before = len(table.problems)
    step = make(table)
    table.close()
    return step if len(table.problems) == before else None


def _say(table: Table) -> Step:
    line = table.line_at("say")
    return Say(line=line, words=_words(table, "say"), now=table.flag("now"), answer=_answer(table))


def _interrupt(table: Table) -> Step:
    return Interrupt(
        line=table.line_at("interrupt"),
        words=_words(table, "interrupt"),
        after_ms=table.number("after_ms", DEFAULT_INTERRUPT_AFTER_MS, 60_000.0),
        answer=_answer(table),
    )


def _press(table: Table) -> Step:
    keys = table.words("press")
    if set(keys) - KEYS:
        table.wrong("press", "keys: 0 to 9, *, #, A to D")
    elif "#" in keys[:-1]:
        table.wrong("press", "# at the end only, since it ends what is typed (the rest is a step of its own)")
    return Press(line=table.line_at("press"), keys=keys, now=table.flag("now"), answer=_answer(table))


def _wait_for(table: Table) -> Step:
    event = table.words("wait_for")
    known = [each.value for each in Event]
    if event and event not in known:
        table.wrong("wait_for", ", ".join(known))
    return WaitFor(
        line=table.line_at("wait_for"),
        event=Event(event) if event in known else Event.REPLY,
        within_ms=_within_ms(table),
    )


def _rest(table: Table) -> Step:
    return Rest(line=table.line_at("pause_s"), ms=table.number("pause_s", 1.0, MAX_WAIT_S) * 1000)


def _hang_up(table: Table) -> Step:
    key = "hang_up"
    if not table.flag(key) and isinstance(table.values[key], bool):
        table.wrong(key, "true")
    return HangUp(line=table.line_at(key), now=table.flag("now"))


def _expect(table: Table) -> Step:
    inner, line = table.inner("expect"), table.line_at("expect")
    if inner is None:
        return ExpectWords(line=line, words=())
    has_tool, has_words = inner.has("tool"), inner.has("words")
    if has_tool == has_words:
        got = "both" if has_tool else "neither"
        key = "tool" if has_tool else "words"
        inner.misplaced(key, f"expected either tool or words in expect, got {got}.")
        return ExpectWords(line=line, words=())
    made: Step
    if has_tool:
        made = ExpectTool(
            line=line,
            tool=inner.words("tool"),
            arguments=_arguments(inner),
            result=inner.words("result"),
            within_ms=_within_ms(inner),
        )
    else:
        made = ExpectWords(line=line, words=inner.list_of_words("words"), within_ms=_within_ms(inner))
    inner.close()
    return made


_VERBS: tuple[tuple[str, Callable[[Table], Step]], ...] = (
    ("say", _say),
    ("interrupt", _interrupt),
    ("press", _press),
    ("wait_for", _wait_for),
    ("pause_s", _rest),
    ("hang_up", _hang_up),
    ("expect", _expect),
)
"""What a step can be, and what makes it."""

_BESIDE = ("after_ms", "model", "now", "then", "within_s")
"""What may stand beside one of them."""


# What is said, by whom.


def _words(table: Table, key: str) -> Words:
    value = table.values[key]
    if isinstance(value, str):
        return Words(text=table.words(key))
    inner = table.inner(key) if isinstance(value, dict) else None
    if inner is None:
        table.wrong(key, 'a text, { clip = "…" } or { wav = "…" }')
        return Words()
    made = Words(text=inner.words("text"), clip=inner.words("clip"), wav=inner.words("wav"))
    if bool(made.clip) == bool(made.wav):
        table.wrong(key, 'a text, { clip = "…" } or { wav = "…" }')
    elif made.clip and made.clip not in clips.manifest():
        inner.wrong("clip", f"one of the stored clips ({', '.join(clips.manifest())})")
    inner.close()
    return made


def _answer(table: Table) -> Answer:
    acts, then = _acts(table, "model"), _acts(table, "then")
    if then and not any(isinstance(act, CallsTool) for act in acts):
        table.misplaced("then", "expected a call of a tool in model, which this follows; got none.")
    return Answer(acts=acts, then=then)


def _acts(table: Table, key: str) -> tuple[Act, ...]:
    if not table.has(key):
        return ()
    value = table.values[key]
    found: list[Act] = []
    for number, each in enumerate(value if isinstance(value, list) else [value]):
        if isinstance(each, str) and each.strip():
            found.append(SaysText(each))
        elif isinstance(each, dict):
            inner = table.inside(each, key, number)
            found.append(CallsTool(inner.words("call"), _arguments(inner)))
            if not inner.has("call"):
                inner.misplaced("call", "expected the name of a tool, got none.")
            inner.close()
        else:
            table.wrong(key, 'a text, { call = "tool", arguments = { … } }, or a list of these')
            return ()
    return tuple(found)


def _arguments(table: Table) -> Mapping[str, object]:
    inner = table.inner("arguments")
    if inner is None:
        return {}
    if not _is_json(inner.values):
        table.wrong("arguments", "what JSON can say: texts, numbers, true and false, lists, tables")
    return inner.values


def _within_ms(table: Table) -> float:
    return table.number("within_s", DEFAULT_WITHIN_MS / 1000, MAX_WAIT_S) * 1000


def _is_json(value: object) -> bool:
    if isinstance(value, Mapping):
        return all(_is_json(each) for each in value.values())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return all(_is_json(each) for each in value)
    return isinstance(value, str | int | float | bool)
