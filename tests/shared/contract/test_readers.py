"""Who writes a record and who reads it: a field that only one side knows is found here, by the reader's name.

The type checker finds it too; this one runs in a second, and speaks of processes.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from shared.contract import card, record, views, window, worker
from shared.contract.streams import control, history
from tests.support.layout import ROOT, modules

SCRIPTS = "shared/contract/lua"
ROLES = ("ingress", "brain", "egress", "shared", "console", "proofs")

WRITERS: dict[type, str] = {
    window.BrainWindow: "brain",
    window.IngressWindow: "ingress",
    window.PipelineFigures: "egress",
    worker.Beat: "shared",
    card.EgressFigures: "egress",
    card.IngressFigures: "ingress",
    card.AgentChosen: "brain",
    card.SessionOpened: "brain",
    card.WindowJudged: "egress",
    control.Silent: "egress",
    control.FlushedItem: "egress",
    control.Dtmf: "ingress",
    control.Dialled: "ingress",
    history.ItemEntry: "brain",
    history.ItemHeard: "brain",
    history.ToolEntry: "brain",
}
"""Records, and the package that makes them."""

READERS: dict[type, str] = {
    window.BrainWindow: "egress",
    window.IngressWindow: "egress",
    views.BrainView: "brain",
    views.EgressView: "egress",
    views.ResumeView: "ingress",
    views.PlayheadView: "brain",
    views.StoryView: "brain",
    views.WindowsView: "egress",
    control.Audible: "brain",
    control.FlushedItem: "brain",
    control.Dtmf: "brain",
    control.Dialled: "brain",
    history.ItemEntry: "brain",
    history.ItemHeard: "brain",
    history.ToolEntry: "brain",
}
"""Records, and the package that acts by them."""

UNREAD = {
    (window.BrainWindow, "v"): "read by window.load",
    (window.IngressWindow, "v"): "read by window.load",
    (window.BrainWindow, "queued_events"): "for people",
    (control.FlushedItem, "response_id"): "for people",
    (control.FlushedItem, "received_ms"): "for people",
    (control.FlushedItem, "sent_ms"): "for people",
}
"""Fields that their reader leaves alone, each with the reason."""


def made_with(package: str, name: str) -> set[str]:
    """Keywords with which some module of a package makes a record of this name."""
    return {
        keyword.arg
        for _, tree in trees(package)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == name
        for keyword in node.keywords
        if keyword.arg
    }


def asked_for(package: str) -> dict[str, str]:
    """Attributes that modules of a package read, each with one module that does; keywords of patterns too."""
    found: dict[str, str] = {}
    for path, tree in trees(package):
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                found.setdefault(node.attr, path)
            elif isinstance(node, ast.MatchClass):
                found.update(dict.fromkeys(node.kwd_attrs, path))
    return found


def trees(package: str) -> Iterator[tuple[str, ast.Module]]:
    """The syntax of a package's modules, the contract's own left out."""
    for path in modules(package):
        name = str(path.relative_to(ROOT))
        if not name.startswith("shared/contract/"):
            yield name, ast.parse(path.read_text("utf-8"))


def users(package: str, name: str) -> str:
    """Modules of a package that import a record, or its module, in words."""
    found = []
    for path, tree in trees(package):
        names = {each.id for each in ast.walk(tree) if isinstance(each, ast.Name)}
        names |= {each.attr for each in ast.walk(tree) if isinstance(each, ast.Attribute)}
        found += [path] if name in names else []
    return " and ".join(found)


def missing_at_reader(kind: type, package: str) -> list[str]:
    """Fields of a record that its reader never asks for, in words."""
    asked = asked_for(package)
    return [
        f"{users(package, kind.__name__)}: nothing in {package} asks for {row.attribute} of {kind.__name__}"
        for row in record.rows(kind)
        if row.attribute not in asked and (kind, row.attribute) not in UNREAD
    ]


def missing_at_writer(kind: type, package: str) -> list[str]:
    """Fields of a record that its writer does not give, in words that name who reads them."""
    given, readers = made_with(package, kind.__name__), users(READERS.get(kind, package), kind.__name__)
    return [
        f"{users(package, kind.__name__)} does not give {row.attribute} of {kind.__name__}; read by {readers}"
        for row in record.rows(kind)
        if row.attribute not in given | _of_head(kind)
    ]


@pytest.mark.parametrize(("kind", "package"), WRITERS.items(), ids=lambda each: str(each))
def test_a_writer_says_all_that_is_read(kind: type, package: str) -> None:
    """Each field of a record is given where it is made: none is left to a default, none has another name."""
    assert missing_at_writer(kind, package) == []


def _of_head(kind: type) -> set[str]:
    head = {row.attribute for row in record.rows(window.ProcessWindow)}
    return head if issubclass(kind, window.ProcessWindow) else set()


@pytest.mark.parametrize(("kind", "package"), READERS.items(), ids=lambda each: str(each))
def test_a_reader_asks_for_what_is_written(kind: type, package: str) -> None:
    """A field that its writer renamed is one that its reader does not know."""
    assert missing_at_reader(kind, package) == []
