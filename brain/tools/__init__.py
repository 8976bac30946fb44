"""The model's tools, and what their authors import.

`from brain.tools import tool` is the public face: names that are not listed in `__all__` may move.

    schemas   JSON schemas that operators write: whether they are sound, whether arguments fit
    threads   threads for tools that are plain functions
    toolbox   what a tool is, what it may ask of the call, running one within its time
    function  Python functions as tools
    http      HTTP endpoints of the user's own as tools
    attempts  the runs under way in this process, whichever call began them
    builtin   the tools that act on the call itself: end it, transfer it, hand it over, send digits, wait
    demo      a tool to try things with
    runs      the tools of one call, beside everything else
"""

from brain.errors import ToolError, ToolFailed
from brain.tools.function import tool
from brain.tools.toolbox import ChangeAgent, EndCall, Hold, SendDigits, ToolContext, Transfer

__all__ = [
    "ChangeAgent",
    "EndCall",
    "Hold",
    "SendDigits",
    "ToolContext",
    "ToolError",
    "ToolFailed",
    "Transfer",
    "tool",
]
