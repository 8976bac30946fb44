"""Lua scripts of a simulated Redis: ours, as they are.

Why it exists: who owns a call is decided in Lua, so a simulation that did it in Python would prove another
product. Owns: the interpreter (Lua 5.1, as Redis has it), the translation of values both ways. Must not know:
what a script is for.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha1
from typing import Any

from lupa import lua51

from proofs.simulate.redis.keyspace import Refused, Status

Call = Callable[[list[bytes]], object]
"""Runs a command for a script. Raises Refused."""

NO_SCRIPT = "NOSCRIPT No matching script. Please use EVAL."

_PREPARE = b"""
local call = ...
redis = {
  call = function(...)
    local done, answer = call(...)
    if not done then error(answer, 0) end
    return answer
  end,
  pcall = function(...)
    local done, answer = call(...)
    if not done then return {err = answer} end
    return answer
  end,
  error_reply = function(text) return {err = text} end,
  status_reply = function(text) return {ok = text} end,
  log = function() end, LOG_WARNING = 3, LOG_NOTICE = 2, LOG_VERBOSE = 1, LOG_DEBUG = 0,
  sha1hex = function() return '' end,
}
"""


class Scripts:
    """The scripts of one server: a restart forgets them."""

    def __init__(self, call: Call) -> None:
        self._lua = lua51.LuaRuntime(encoding=None, unpack_returned_tuples=True, register_eval=False)
        self._call = call
        self._loaded: dict[bytes, Any] = {}
        self._lua.execute(_PREPARE, self._from_lua)
        self._globals = self._lua.globals()
        self._type = self._lua.eval(b"type")

    def load(self, text: bytes) -> bytes:
        """Its hash. Raises Refused for what is no Lua."""
        name = sha1(text, usedforsecurity=False).hexdigest().encode()
        if name not in self._loaded:
            try:
                self._loaded[name] = self._lua.eval(b"function() " + text + b"\nend")
            except lua51.LuaSyntaxError as error:
                raise Refused(f"ERR Error compiling script: {error}") from None
        return name

    def forget(self) -> None:
        """SCRIPT FLUSH, or a restart."""
        self._loaded.clear()

    def knows(self, name: bytes) -> bool:
        """Whether it was loaded."""
        return name.lower() in self._loaded

    def run(self, name: bytes, keys: list[bytes], args: list[bytes]) -> object:
        """Its reply. Raises Refused."""
        function = self._loaded.get(name.lower())
        if function is None:
            raise Refused(NO_SCRIPT)
        self._globals[b"KEYS"] = self._lua.table_from(keys)
        self._globals[b"ARGV"] = self._lua.table_from(args)
        try:
            return self._to_reply(function())
        except lua51.LuaError as error:
            text = error.args[0] if error.args else str(error)
            text = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
            text = text.partition("\nstack traceback")[0]
            is_ours = text.split(" ", 1)[0].isupper()
            raise Refused(text if is_ours else f"ERR {text} script: {name.decode()}") from None

    # Private.

    def _from_lua(self, *words: Any) -> Any:
        """(True, answer), or (False, error)."""
        try:
            return True, self._to_lua(self._call([_word(word) for word in words]))
        except Refused as error:
            return False, str(error).encode()

    def _to_lua(self, reply: object) -> Any:
        match reply:
            case None:
                return False
            case Status():
                return self._lua.table_from({b"ok": bytes(reply)})
            case list() | tuple():
                return self._lua.table_from([self._to_lua(each) for each in reply])
        return reply

    def _to_reply(self, value: Any) -> object:
        if value is None or value is False:
            return None
        if value is True:
            return 1
        if isinstance(value, (int, float)):
            return int(value)
        if isinstance(value, bytes):
            return value
        if value[b"err"] is not None:
            raise Refused(value[b"err"].decode(errors="replace"))
        if value[b"ok"] is not None:
            return Status(value[b"ok"])
        found: list[object] = []
        while (each := value[len(found) + 1]) is not None:
            found.append(self._to_reply(each))
        return found


def _word(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Refused("ERR Lua redis lib command arguments must be strings or integers")
    return b"%d" % value if value == int(value) else repr(value).encode()
