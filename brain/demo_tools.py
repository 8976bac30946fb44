"""The two tools every agent has until agents have profiles of their own.

Owns: their behaviour. `check_order` answers from a made-up rule, so that the demo and tests are the same
on every machine; `end_call` is how the agent hangs up.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from brain.tools import EndCall, Tool, tool

_STATES = ("is being packed", "was handed to the courier", "arrives tomorrow", "was delivered")


@tool
def check_order(
    order_number: Annotated[str, Field(description="The order's number, digits only.", max_length=40)],
) -> dict[str, str]:
    """Look up where an order is. Ask the caller for the order number first."""
    digits = "".join(digit for digit in order_number if digit.isdecimal())
    if not digits:
        return {"error": "no such order", "order_number": order_number}
    return {"order_number": digits, "status": _STATES[int(digits) % len(_STATES)]}


@tool
def end_call(
    farewell: Annotated[
        str, Field(description="What to say to the caller before the call ends, in their language.")
    ] = "Goodbye.",
) -> EndCall:
    """End the call. The farewell is spoken for you, so do not say goodbye yourself before calling this."""
    return EndCall(farewell=farewell or "Goodbye.")


DEMO_TOOLS: tuple[Tool, ...] = (check_order, end_call)
