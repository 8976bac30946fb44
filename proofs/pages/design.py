"""Makes the tables of docs/design.md, and the journal's table of docs/operating.md, from shared/contract.

Why it exists: some seventy fields and as many kinds pass between processes, and a page that is kept by hand
is wrong after the first change. Owns: what stands between the markers of those tables. Must not know: the
words around them. `--check` fails when a page is not what the code would make.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import re
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import is_dataclass
from functools import partial
from typing import Final

from proofs.pages import parts
from shared.contract import card, record, views
from shared.contract.lua.scripted import SCRIPTED
from shared.contract.streams import control, history, journal
from shared.contract.streams.doorbell import Why
from shared.contract.window import BrainWindow, IngressWindow, ProcessWindow
from shared.contract.worker import ROLES

WAYS: Final[Mapping[type[control.Message], str]] = {
    control.Stream: "ingress → brain, egress",
    control.Detached: "ingress → brain, egress",
    control.Ended: "ingress; brain, of a card that it cannot read → brain, egress",
    control.Dtmf: "ingress → brain",
    control.Dialled: "ingress, for `twilio` → brain",
    control.Outranked: "ingress → brain",
    control.Audible: "egress → brain",
    control.Heard: "egress → brain",
    control.Silent: "egress → brain",
    control.Flushed: "egress → brain",
    control.Say: "`operator` → brain",
    control.InWriting: "`operator` → brain",
    control.HangUp: "`operator` → brain",
    control.Listen: "`operator` → brain",
}


def main() -> int:
    """The command."""
    return parts.keep("proofs.pages.design", __doc__, {name: partial(filled, name) for name in PARTS})


def filled(name: str, page: str) -> str:
    """The page of this name with its generated parts made again. Raises ValueError for a missing marker."""
    for part, make in PARTS[name].items():
        page = parts.put(page, part, make())
    return page


# Private.


def _card() -> str:
    """A row a field: the scripts' first, then those of the records."""
    recorded: dict[str, list[type]] = {}
    for kind in card.WRITERS:
        for name in record.names(kind):
            recorded.setdefault(name, []).append(kind)
    lines = ["| field | written by | read by | meaning |", "|---|---|---|---|"]
    for name in dict.fromkeys([*SCRIPTED, *recorded]):
        scripts, _, meaning = SCRIPTED.get(name, "").partition(": ")
        writers, meanings = [scripts], [meaning]
        for kind in recorded.get(name, ()):
            writers.append(f"{_roles(kind)} (`{kind.__name__}`)")
            meanings.append(_sayings(kind)[name])
        said = " ".join(_sentence(each) for each in meanings if each)
        lines.append(f"| `{name}` | {', '.join(filter(None, writers))} | {_readers(name)} | {said} |")
    return "\n".join(lines)


def _readers(name: str) -> str:
    """The views that see a field. What none sees is for people, who are shown the whole card."""
    seen_by = [f"`{view.__name__}`" for view in views.READERS if name in record.names(view)]
    return ", ".join(seen_by) or "people"


def _records() -> str:
    """A row a role: what it writes and when, what it is shown; then the views of all others."""
    lines = ["| who | writes | is shown |", "|---|---|---|"]
    for role in (*ROLES, ""):
        cells = (_told(role, kinds) for kinds in (card.WRITERS, views.READERS))
        lines.append(f"| {role or 'all others'} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _told(role: str, kinds: Sequence[type]) -> str:
    """Records whose docstring begins with a role, without it; with no role those that begin with none."""
    told = []
    for kind in kinds:
        first, _, rest = _summary(kind).partition(", ")
        owner = first.lower() if first.lower() in ROLES else ""
        if owner == role:
            when = rest if owner else _summary(kind)
            told.append(f"`{kind.__name__}`: {when[:1].lower()}{when[1:]}")
    return " ".join(told)


def _control() -> str:
    """A row a kind of control message."""
    lines = ["| kind | from → to | fields | meaning |", "|---|---|---|---|"]
    for name, kind in control.KINDS.items():
        lines.append(f"| `{name}` | {WAYS[kind]} | {_fields(kind)} | {_summary(kind)} |")
    return "\n".join(lines)


def _history() -> str:
    """A row a kind of entry."""
    lines = ["| kind | fields | meaning |", "|---|---|---|"]
    for name, kind in history.KINDS.items():
        lines.append(f"| `{name}` | {_fields(kind)} | {_summary(kind)} |")
    return "\n".join(lines)


def _wake() -> str:
    """A row a reason to ring."""
    said = _sayings(Why)
    lines = ["| `why` | meaning |", "|---|---|"]
    return "\n".join([*lines, *(f"| `{why.value}` | {said[why.name]} |" for why in Why)])


def _windows() -> str:
    """A row a record: the figures of a window."""
    lines = ["| window | figures |", "|---|---|", f"| both begin with | {_fields(ProcessWindow)} |"]
    shared = set(record.names(ProcessWindow))
    for title, kind in (("`w_brain`", BrainWindow), ("`w_ingress`", IngressWindow)):
        own = ", ".join(f"`{name}`" for name in record.names(kind) if name not in shared)
        lines.append(f"| {title} | {own} |")
    return "\n".join(lines)


def _journal() -> str:
    """A row a kind."""
    lines = ["| kind | meaning |", "|---|---|"]
    return "\n".join([*lines, *(f"| `{kind.value}` | {kind.sentence} |" for kind in journal.Kind)])


PARTS: Final[Mapping[str, Mapping[str, Callable[[], str]]]] = {
    "design.md": {
        "wake": _wake,
        "history": _history,
        "control": _control,
        "card": _card,
        "records": _records,
        "windows": _windows,
    },
    "operating.md": {"journal": _journal},
}
"""The generated parts of each page, by marker."""


def _sayings(kind: type) -> dict[str, str]:
    """The text below each field or member that a class itself declares. Raises ValueError where there is
    none."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(body, ast.ClassDef)
    said: dict[str, str] = {}
    for node, below in itertools.pairwise(body.body):
        match node, below:
            case (
                ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                said[name] = " ".join(text.split())
    missing = {name for name in record.names(kind) if name not in said} if is_dataclass(kind) else set()
    if missing:
        raise ValueError(f"expected a text below {', '.join(sorted(missing))} of {kind.__name__}")
    return said


def _summary(kind: type) -> str:
    return " ".join((kind.__doc__ or "").split())


def _roles(kind: type) -> str:
    """The roles that a record's docstring begins with, or names as further writers."""
    return ", ".join(role for role in ROLES[::-1] if re.search(rf"\b{role}\b", _summary(kind), re.IGNORECASE))


def _fields(kind: type) -> str:
    return ", ".join(f"`{name}`" for name in record.names(kind))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].removesuffix('.')}."


if __name__ == "__main__":
    sys.exit(main())
