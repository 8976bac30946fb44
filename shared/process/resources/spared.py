"""What a role's process does not load: libraries that others take along only where they find them.

Why it exists: structlog and httpx bring rich and pygments in for tracebacks and a command line in colour, the
OpenAI SDK brings aiohttp in for a transport that nobody asked for. No role uses them, and they are there all
the same, because the command line has rich and the twilio package has aiohttp: 3.6 MiB of an egress, 4.2 of
an ingress, 9.9 of a brain. Owns: their names. Must not know: who would have imported them.

Told to be absent, they are absent: each of those who ask is written to do without. Whoever asks later, like
an engineer's own tool, finds them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

SPARED = ("rich", "pygments", "aiohttp")


@contextmanager
def spared() -> Iterator[None]:
    """Within it, an import of one of them raises ImportError. One that is loaded already stays."""
    absent = [name for name in SPARED if name not in sys.modules]
    # None is Python's own way of saying that there is no such module (its reference, "The module cache").
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
