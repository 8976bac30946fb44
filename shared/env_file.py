"""Reads `.env`: names and values, or what is wrong in it, with file and line.

Why it exists: a line that cannot be read may be the one with the key, and a setting that is silently left out
is looked for in the wrong place. Owns: how the file is read, its problems in words; no value stands in them.
Must not know: which names mean something.
"""

from __future__ import annotations

import io
import os
import re
from collections import ChainMap
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import cast

from dotenv import dotenv_values
from dotenv.parser import Binding, parse_stream

from shared.forms import Problems

DEFAULT = Path(".env")
"""In the working folder."""

_NAME = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)")


class EnvFileUnreadable(Problems):
    """The file is there and cannot be read, whole or in part; a line for each problem."""


def read(path: Path | None = DEFAULT) -> dict[str, str | None]:
    """Names and values; None for a name without `=`. Empty if there is no file. Raises EnvFileUnreadable."""
    if path is None:
        return {}
    where = path.absolute()
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise EnvFileUnreadable(
            [f"{where}: expected a file that this user can read, got: {error.strerror}. Mend or remove it."]
        ) from None
    text = _text_of(raw, where)
    problems = [_explain(each, where) for each in parse_stream(io.StringIO(text)) if each.error]
    if problems:
        raise EnvFileUnreadable(problems)
    return dict(dotenv_values(stream=io.StringIO(text)))


def environment(path: Path | None = DEFAULT) -> Mapping[str, str]:
    """The environment, and below it what the file says. Raises EnvFileUnreadable."""
    found = {name: value for name, value in read(path).items() if value is not None}
    # A view: what is set later in the environment counts.
    return ChainMap(cast(MutableMapping[str, str], os.environ), found)


# Private.


def _text_of(raw: bytes, where: Path) -> str:
    try:
        text = raw.decode("utf-8-sig")  # Some editors start a file with a mark.
    except UnicodeDecodeError as error:
        at = error.start
    else:
        at = text.find("\0")
        if at < 0:
            return text
        at = len(text[:at].encode())
    line = raw.count(b"\n", 0, at) + 1
    raise EnvFileUnreadable(
        [
            f"{where}, line {line}: expected text in UTF-8, got the byte 0x{raw[at]:02x}."
            " Save it as UTF-8 (not UTF-16), or move away what is no text."
        ]
    )


def _explain(binding: Binding, where: Path) -> str:
    """One line without a value: what stands there may be a secret."""
    original = binding.original.string
    blank = original[: len(original) - len(original.lstrip())]
    line = binding.original.line + len(re.findall(r"\r\n|\n|\r", blank))
    head, equals, rest = original.strip().partition("=")
    name = _NAME.fullmatch(head.strip())
    if equals and name:
        value = rest.strip()
        is_open = value.count(value[:1]) == 1
        got = f"{name[1]}= with {'a quote that is not closed' if is_open else 'something behind its quotes'}"
        do = "Leave quotes away, or put one at each end and nothing but a # comment behind them."
    else:
        got = f"{len(original.strip())} characters that are neither that nor a comment"
        do = "Write NAME=value, or # before a comment."
    return f"{where}, line {line}: expected NAME=value, got {got}. {do}"
