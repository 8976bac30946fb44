"""What is to be tried, against what, and where its files go. Plain data. Pure.

Why it exists: the command line is read in a moment, and what plays a call takes a second to import. Owns:
what passes between the two. Must not know: either.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from console.trial.scenario import Scenario


class Way(enum.Enum):
    """Where the caller's words come from."""

    SCENARIO = "scenario"
    TYPED = "typed"
    TALK = "talk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """All of it."""

    scenarios: Sequence[tuple[Scenario, Path]]
    """Each with the folder that its files lie in."""
    way: Way = Way.SCENARIO
    live: bool = False
    """Against the model of the settings, not the simulator."""
    half_duplex: bool = False
    """The microphone is closed while the agent speaks."""
    agents_file: Path | None = None
    webhooks: bool = False
    """Whether the user's own systems are told of these calls."""
    output: Path = Path("try-output")
    junit: Path | None = None
    run_dir: Path | None = None
