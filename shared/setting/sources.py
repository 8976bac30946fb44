"""Where the value of each setting comes from, and names that look like a setting's and that nobody reads.

Why it exists: a misspelt name is ignored without a word, and its default looks as if it had been chosen.
Owns: the origin of a value, which names are doubtful. Must not know: who shows it. Of a secret only the
length is told.
"""

from __future__ import annotations

import difflib
import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from shared.forms import secret_shown, url_shown
from shared.setting.console import in_order
from shared.setting.service import ENV_PREFIX
from shared.settings import Settings, environment_name, found_in, is_secret, names_of

NOT_SETTINGS = frozenset(
    {
        "TRUNKLINE_STACK",  # console/stack/plan.py: the mark of what a launcher starts.
        "TRUNKLINE_TLS_BIND",  # deploy/haproxy.cfg.
        "TRUNKLINE_TLS_PEM",
        "TRUNKLINE_EXAMPLES",  # How much tests try.
        "TRUNKLINE_WALK_DEPTH",
        "TRUNKLINE_REWRITE",
    }
)
"""Names with our prefix that others read."""

NEAR_PREFIXED, NEAR_FOREIGN = 0.6, 0.75
"""How alike two names are (difflib's ratio) when one is taken for the other. Names without our prefix may be
anybody's."""


class Origin(enum.StrEnum):
    """Where a value comes from; the first wins."""

    ENVIRONMENT = "environment"
    FILE = ".env"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class InEffect:
    """One setting as it is in effect."""

    field: str
    name: str
    """The variable that it was read from, or would be."""
    value: str
    """As it was written; of a secret, how long it is."""
    origin: Origin


@dataclass(frozen=True, slots=True)
class Doubt:
    """A name that nobody reads."""

    name: str
    origin: Origin
    near: str
    """The setting that may be meant; empty if none is near."""

    def __str__(self) -> str:
        meant = f"did you mean {self.near}?" if self.near else "`trunkline settings` lists all settings."
        return f"{self.name} ({self.origin}) is no setting, and nobody reads it: {meant}"


def in_effect(environ: Mapping[str, str], from_file: Mapping[str, str | None]) -> list[InEffect]:
    """Every setting, in the order of declaration; those of the console last."""
    return [_in_effect(field, environ, from_file) for field in in_order(Settings.model_fields)]


def doubts(environ: Mapping[str, str], from_file: Mapping[str, str | None]) -> list[Doubt]:
    """Names that look like a setting's and are none, by name.

    One with our prefix always; another only if it is very near to a setting that is not given: other programs
    have variables too.
    """
    known = {name: field for field in Settings.model_fields for name in names_of(field)}
    documented = {
        environment_name(field).removeprefix(ENV_PREFIX): environment_name(field)
        for field in Settings.model_fields
    }
    missing = [
        environment_name(field)
        for field in Settings.model_fields
        if found_in(environ, field) is None and found_in(from_file, field) is None
    ]
    foreign = [name for name in missing if not name.startswith(ENV_PREFIX)]
    found = []
    for name, origin in sorted(_names(environ, from_file).items()):
        upper = name.upper()
        if upper in known or upper in NOT_SETTINGS:
            continue
        if upper.startswith(ENV_PREFIX):
            # What all have in common says nothing.
            suffix = _nearest(upper.removeprefix(ENV_PREFIX), list(documented), NEAR_PREFIXED)
            found.append(Doubt(name, origin, documented.get(suffix, "")))
        elif near := _nearest(upper, foreign, NEAR_FOREIGN):
            found.append(Doubt(name, origin, near))
    return found


def written(value: Any) -> str:
    """A value as it would stand in `.env`; `Any` because a field's default has the field's type."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, enum.Enum):
        return str(value.value)
    return f"{value:g}" if isinstance(value, float) else str(value)


# Private.


def _names(environ: Mapping[str, str], from_file: Mapping[str, str | None]) -> dict[str, Origin]:
    return {**dict.fromkeys(from_file, Origin.FILE), **dict.fromkeys(environ, Origin.ENVIRONMENT)}


def _nearest(name: str, known: Sequence[str], alike: float) -> str:
    near = difflib.get_close_matches(name, known, 1, alike)
    return near[0] if near else ""


def _in_effect(field: str, environ: Mapping[str, str], from_file: Mapping[str, str | None]) -> InEffect:
    places: tuple[tuple[Mapping[str, str | None], Origin], ...] = (
        (environ, Origin.ENVIRONMENT),
        (from_file, Origin.FILE),
    )
    for names, origin in places:
        name = found_in(names, field)
        if name is not None:
            return InEffect(field, name, _shown(field, names[name] or ""), origin)
    default = Settings.model_fields[field].get_default()
    return InEffect(field, environment_name(field), _shown(field, written(default)), Origin.DEFAULT)


def _shown(field: str, text: str) -> str:
    if is_secret(field):
        return f"set ({secret_shown(text)})" if text else "not set"
    return url_shown(text) if field.endswith("_url") else text
