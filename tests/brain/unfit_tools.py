"""Functions that are no tools, or bad ones, for the checks of the agents file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from pydantic import WithJsonSchema

if TYPE_CHECKING:
    from nowhere import Nowhere  # type: ignore[import-not-found]


def unknown_hint(place: Nowhere) -> str:
    """Its hint can be resolved by a type checker, perhaps, and by nobody at run time."""
    return str(place)


def callback(back: Callable[[], int]) -> int:
    """No model can send a function."""
    return back()


async def endless() -> None:
    """Never end."""
    await asyncio.Event().wait()


def listed(ids: Annotated[list[str], WithJsonSchema({"type": "array"})]) -> int:
    """Its own schema does not say what is in the list."""
    return len(ids)
