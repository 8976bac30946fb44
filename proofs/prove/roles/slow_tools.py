"""A tool that takes its time, so that a caller can speak while it runs.

Why it exists: the agents file of `make prove-conversation` names it. Owns: that tool. Must not know: who
calls it.
"""

from __future__ import annotations

import asyncio
from typing import Annotated

from pydantic import Field

SECONDS = 1.5


async def look_up(
    order_number: Annotated[str, Field(description="The order's number.", max_length=40)],
) -> dict[str, str]:
    """Look up an order in a slow system."""
    await asyncio.sleep(SECONDS)
    return {"order_number": order_number, "status": "found"}
