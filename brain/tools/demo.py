"""A tool to try things with: it answers from a made-up rule, the same on every machine.

Why it exists: a first call should have something to ask for. Owns: its behaviour. Pure. Must not know: any
real order. Offered by the agent of the settings, and by any profile that names it.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from brain.tools.function import tool

_STATES = ("is being packed", "was handed to the courier", "arrives tomorrow", "was delivered")


@tool
async def check_order(
    order_number: Annotated[str, Field(description="The order's number, digits only.", max_length=40)],
) -> dict[str, str]:
    """Look up where an order is. Ask the caller for the order number first."""
    digits = "".join(digit for digit in order_number if digit.isdecimal())
    if not digits:
        return {"error": "no such order", "order_number": order_number}
    return {"order_number": digits, "status": _STATES[int(digits) % len(_STATES)]}
