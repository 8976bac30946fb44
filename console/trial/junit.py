"""Verdicts as JUnit's XML, which every CI shows. Pure.

Why it exists: a change of instructions is tried where code is tested. Owns: that form: a suite a scenario, a
case a verdict. Must not know: where the file goes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from console.trial.judge import Verdict

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot say at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """What became of one scenario."""

    name: str
    agent: str
    seconds: float
    verdicts: Sequence[Verdict]


def junit(suites: Sequence[Suite]) -> str:
    """The file's text."""
    root = ElementTree.Element("testsuites")
    for suite in suites:
        failed = sum(not each.met for each in suite.verdicts)
        made = ElementTree.SubElement(
            root, "testsuite", name=_text(suite.name), tests=str(len(suite.verdicts)), failures=str(failed),
            errors="0", skipped="0", time=f"{suite.seconds:.3f}",
        )  # fmt: skip
        for verdict in suite.verdicts:
            _add(made, suite, verdict)
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


# Private.


def _add(made: ElementTree.Element, suite: Suite, verdict: Verdict) -> None:
    line = f"line {verdict.line}: " if verdict.line else ""
    case = ElementTree.SubElement(
        made,
        "testcase",
        name=_text(f"{line}{verdict.expected}"),
        classname=_text(f"{suite.agent}.{suite.name}"),
    )
    if not verdict.met:
        when = "" if verdict.at_ms is None else f" (at {verdict.at_ms / 1000:.2f} s of the call)"
        message = _text(f"expected {verdict.expected}, got {verdict.got}{when}")
        ElementTree.SubElement(case, "failure", message=message).text = message


def _text(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
