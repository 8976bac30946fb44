"""Templates, and how a value becomes text on a page.

Why it exists: everything on a page was written by somebody else: a caller, a model, a process of another
version. So every value is escaped, controls and marks that turn what follows are taken out, and each text
has its own direction. Owns: the environment of the templates, its filters. Must not know: what a page shows.

A name that a template asks for and was not given is an error, not an empty text.
"""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from console.calls.journal import date
from console.text import NONE, duration, tame, tokens
from shared import VERSION

FOLDER = Path(__file__).parent
TEMPLATES, STATIC = FOLDER / "templates", FOLDER / "static"


def make_environment() -> Environment:
    """All templates, with their filters."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        finalize=_finalize,
    )
    made.filters.update(date=date, duration=duration, drawn=_drawn, tokens=tokens)
    made.globals.update(version=VERSION, dash=NONE)
    return made


class Pages:
    """Templates by name."""

    def __init__(self) -> None:
        self._environment = make_environment()

    def make(self, name: str, **values: object) -> str:
        """A page, or a part of one."""
        return self._environment.get_template(name).render(**values)


# Private.


def _finalize(value: object) -> object:
    """What stands between braces: text of others is tamed; a part of a template stays what it is."""
    return value if isinstance(value, Markup) or not isinstance(value, str) else tame(value)


def _drawn(svg: str) -> Markup:
    """A picture of ours (console/story/drawing.py), whose words are escaped there."""
    return Markup(svg)
