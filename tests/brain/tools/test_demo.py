"""The tool to try things with."""

from __future__ import annotations

import orjson

from brain.tools.demo import check_order
from brain.tools.toolbox import Toolbox, ToolContext

CONTEXT = ToolContext(call_sid="CA" + "0" * 32, caller="…11", called="+15550001", agent="default")


async def test_the_demo_order_is_the_same_everywhere() -> None:
    """Digits in any notation; no order without digits."""
    found = await Toolbox.of([check_order], 5.0).run(
        "check_order", '{"order_number": "42-17"}', CONTEXT, "c1"
    )
    missing = await Toolbox.of([check_order], 5.0).run(
        "check_order", '{"order_number": "none"}', CONTEXT, "c1"
    )

    assert orjson.loads(found.output) == {"order_number": "4217", "status": "was handed to the courier"}
    assert "error" in orjson.loads(missing.output)
