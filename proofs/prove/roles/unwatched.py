"""A role process that keeps no figures of itself: `python -m proofs.prove.roles.unwatched brain --number 0`.

Why it exists: what diagnostics cost is the difference to a process without them. Owns: what is left out:
histograms, hops, the figures of a window with its verdict, the journal. Product code has no such switch. Must
not know: what is compared.

What carries calls stays: beats, debts, accounts, counters (an addition each).
"""

from __future__ import annotations

import importlib
from typing import Any, Final

from proofs.prove.roles import becoming

LEFT_OUT: Final = {
    ("shared.figures.histograms", "Histogram", "observe"): None,
    ("shared.figures.hops", "Hop", "took"): None,
    ("shared.ownership.journal", "JournalPen", "note"): None,
    ("shared.figures.rolling", "Telling", "is_due"): False,
}
"""Of all roles: module, class and method → what the method returns instead."""

OF_EGRESS: Final = {
    ("egress.calls.window", "CallWindow", "check"): None,
    ("egress.calls.window", "CallWindow", "is_stuck"): False,
}


def main() -> None:
    """Becomes the role that the command line names."""
    role = becoming.named_role("proofs.prove.roles.unwatched")
    install(role)
    becoming.go_on_as(role)


def install(role: str) -> None:
    """From now on this process watches nothing. Raises AttributeError for what is not there any more."""
    for (module_name, class_name, method), answer in left_out(role).items():
        of = vars(importlib.import_module(module_name))[class_name]
        if method not in vars(of):
            raise AttributeError(f"expected {class_name}.{method} in {module_name}, got a class without it")
        setattr(of, method, _silent(answer))


def left_out(role: str) -> dict[tuple[str, str, str], bool | None]:
    """What a process of this role does without."""
    return LEFT_OUT | OF_EGRESS if role == "egress" else dict(LEFT_OUT)


# Private.


def _silent(answer: bool | None) -> Any:
    def nothing(*_: object, **__: object) -> bool | None:
        return answer

    return nothing


if __name__ == "__main__":
    main()
