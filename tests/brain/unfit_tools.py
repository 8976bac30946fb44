"""Functions that are no tools, for the checks of the agents file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nowhere import Nowhere  # type: ignore[import-not-found]


def unknown_hint(place: Nowhere) -> str:
    """Its hint can be resolved by a type checker, perhaps, and by nobody at run time."""
    return str(place)
