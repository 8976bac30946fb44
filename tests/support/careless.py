"""A task that loses its first cancellation, as loops around redis-py 8.1 now and then do."""

from __future__ import annotations

import asyncio


async def careless() -> None:
    """Ends at the second cancellation only."""
    lost = False
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if lost:
                raise
            lost = True
