"""The model's tools, and what their authors import.

`from brain.tools import tool` is the public face: names that are not listed in `__all__` may move.
"""

from brain.tools.toolbox import EndCall, Hold, SendDigits, ToolContext, ToolError, ToolFailed, Transfer, tool

__all__ = ["EndCall", "Hold", "SendDigits", "ToolContext", "ToolError", "ToolFailed", "Transfer", "tool"]
