"""A role process that dies at an exact step: `python -m proofs.prove.roles.failpoint brain --number 0`.

Why it exists: the moments in which a death hurts most last milliseconds, and nobody outside can hit them.
Owns: the named steps, and what is done there. A step is armed by a file of its name and role in the folder
that the environment variable names; whoever takes the file away first is hit, once. The file holds the number
of the signal. A guard that the environment names is off besides (unguarded.py). Must not know: what the role
does there.
"""

from __future__ import annotations

import functools
import importlib
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from proofs.prove.roles import becoming, unguarded

FOLDER: Final = "CHAOS_FAILPOINTS"
"""Environment variable: the folder in which steps are armed."""

_HIT: Final = ".hit"

POINTS: Final = {
    "claim": ("shared.ownership.steps", "claim"),
    "attach": ("shared.ownership.steps", "attach"),
    "release": ("shared.ownership.steps", "release"),
    "end": ("shared.ownership.steps", "end"),
}
"""Step → module and coroutine. A process is hit once Redis has done it and before anybody has heard of
that."""


def main() -> None:
    """Becomes the role that the command line names."""
    role = becoming.named_role("proofs.prove.roles.failpoint")
    without = os.environ.get(unguarded.WITHOUT)
    if without:
        unguarded.install(without, role)
    folder = os.environ.get(FOLDER)
    if folder:
        install(role, Path(folder))
    becoming.go_on_as(role)


def install(role: str, folder: Path) -> None:
    """Puts the steps into their modules; those who import them later get them so. Raises AttributeError for
    a step that is not there any more."""
    for point, (module_name, name) in POINTS.items():
        module = importlib.import_module(module_name)
        setattr(module, name, _hit_after(getattr(module, name), folder / armed_name(role, point)))


def armed_name(role: str, point: str) -> str:
    """Name of the file that arms a step in the processes of one role."""
    return f"{role}-{point}"


@dataclass(frozen=True, slots=True)
class Armed:
    """A step that waits for whoever comes first."""

    path: Path

    @property
    def pid(self) -> int | None:
        """Who was hit; None: nobody yet."""
        hit = self.path.with_suffix(_HIT)
        return int(hit.read_text("ascii")) if hit.exists() else None

    def clear(self) -> None:
        """Nobody is hit any more, and it is forgotten who was."""
        self.path.unlink(missing_ok=True)
        self.path.with_suffix(_HIT).unlink(missing_ok=True)


def arm(folder: Path, role: str, point: str, number: int) -> Armed:
    """Arms a step with a signal."""
    path = folder / armed_name(role, point)
    # Written beside it and moved: nobody reads half of it.
    draft = path.with_suffix(".draft")
    draft.write_text(str(number), "ascii")
    draft.rename(path)
    return Armed(path)


# Private.


def _hit_after(step: Callable[..., Awaitable[Any]], armed: Path) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(step)
    async def stepped(*args: object, **kwargs: object) -> Any:
        answer = await step(*args, **kwargs)
        _hit_if(armed)
        return answer

    return stepped


def _hit_if(armed: Path) -> None:
    if not armed.exists():
        return
    mine = armed.with_suffix(f".{os.getpid()}")
    try:
        armed.rename(mine)
    except FileNotFoundError:
        return  # A sibling was faster: one process is hit.
    number = int(mine.read_text("ascii"))
    mine.write_text(str(os.getpid()), "ascii")
    mine.rename(armed.with_suffix(_HIT))
    os.kill(os.getpid(), number)


if __name__ == "__main__":
    main()
