"""Whether words and arguments are those that were expected. Pure.

Why it exists: a model writes "In stock!" today and "in stock" tomorrow, and both say it. Owns: what counts as
the same. Must not know: who said it, when.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping

_UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")
"""Scripts that put no blanks between words, as Unicode names their letters."""


def has_phrase(text: str, phrase: str) -> bool:
    """Whether a text has a word or phrase: whole words, whatever their case and the punctuation between
    them."""
    wanted, said = plain(phrase), plain(text)
    if not wanted:
        return False
    if any(unicodedata.name(letter, "").startswith(_UNSPACED) for letter in wanted):
        return wanted in said
    return f" {wanted} " in f" {said} "


def plain(text: str) -> str:
    """Letters, digits and single blanks, in one case."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    # What joins letters (an apostrophe, a vowel sign) parts no words.
    joined = "".join(each for each in folded if each not in "'’" and unicodedata.category(each) != "Mn")
    return " ".join(re.findall(r"\w+", joined))


def lacks(arguments: str, expected: Mapping[str, object]) -> list[str]:
    """What is expected of a tool's arguments, which are JSON, and is not so: by name, in words; empty if all
    is."""
    try:
        found = json.loads(arguments or "{}")
    except ValueError:
        return [f"the arguments are no JSON: {arguments}"] if expected else []
    if not isinstance(found, dict):
        return [f"the arguments are no object: {arguments}"] if expected else []
    return [
        f"{name} is {written(found[name])}" if name in found else f"{name} is missing"
        for name, value in expected.items()
        if name not in found or not _fits(found[name], value)
    ]


def written(value: object) -> str:
    """A value as JSON has it."""
    return json.dumps(value, ensure_ascii=False)


def call_written(name: str, arguments: Mapping[str, object]) -> str:
    """A call of a tool as one would write it."""
    return f"{name}({', '.join(f'{key}={written(value)}' for key, value in arguments.items())})"


# Private.


def _fits(found: object, expected: object) -> bool:
    """Equal; of a table all that is expected, whatever else it has; texts whatever their case and blanks."""
    if isinstance(expected, Mapping):
        if not isinstance(found, Mapping):
            return False
        return all(key in found and _fits(found[key], value) for key, value in expected.items())
    if isinstance(expected, str) and isinstance(found, str):
        return expected.strip().casefold() == found.strip().casefold()
    if isinstance(expected, list) and isinstance(found, list):
        return len(found) == len(expected) and all(map(_fits, found, expected))
    if isinstance(expected, bool) or isinstance(found, bool):
        return found is expected  # To Python, true is 1.
    return found == expected
