"""Where a text can be cut so that its beginning is what was heard by then, in any script.

Why it exists: audio has no words in it, and a text is spoken at about one pace; how much of it was heard by a
moment is found by its length. Words are cut at spaces; but Chinese, Japanese, Thai and others write none, and
a reply in them would be one word that was never heard to its end.

Owns: the places of a cut, what a character weighs, which words were heard in so much time. Pure. Must not
know: whose text it is. The brain tells the model by it, and the console shows people the same.

In scripts without spaces a text is cut between what a reader takes for characters: a consonant keeps its
vowel and tone marks, a mark of punctuation stays with what it closes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise

WIDE_WEIGHT = 3.0
"""A wide character (Han, kana, Hangul) is about a syllable; a letter is a third of one."""

HEARD_OUT_MS = 100
"""Heard to within this of its end, a complete text is heard: the same margin as for truncation."""

_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u1950-\u19ff\u1a20-\u1aaf\u2e80-\u2fdf"
    "\u3005-\u3007\u3021-\u3029\u3031-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uaa60-\uaa7f"
    "\uf900-\ufaff\uff66-\uff9f\U0001b000-\U0001b16f\U00020000-\U0003ffff]"
)
"""Scripts that write no spaces between words: Thai, Lao, Tibetan, Burmese, Khmer, Tai, Han, kana."""

_FOLLOWS = frozenset(
    # Vowels of Thai and Lao that stand behind their consonant.
    "\u0e30\u0e32\u0e33\u0e45\u0eb0\u0eb2\u0eb3"
    # Small kana, and marks that lengthen or repeat.
    "ぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶーゝゞヽヾ々"
    "\u200c\u200d"
)
"""Never the first of a piece."""

_LEADS = frozenset(
    # Vowels of Thai and Lao that are written before their consonant.
    "\u0e40\u0e41\u0e42\u0e43\u0e44\u0ec0\u0ec1\u0ec2\u0ec3\u0ec4"
    # What joins the next consonant to this one.
    "\u17d2\u1039\u200d"
)
"""Never the last of a piece."""

_TOKEN = re.compile(r"\s*\S+\s*|\s+")


def pieces(text: str) -> Iterator[str]:
    """The text in pieces between which it can be cut; joined they are the text."""
    for token in _TOKEN.findall(text):
        if _UNSPACED.search(token) is None:
            yield token
            continue
        at = 0
        for number, (before, after) in enumerate(pairwise(token), start=1):
            if _may_part(before, after):
                yield token[at:number]
                at = number
        yield token[at:]


def weight(text: str) -> float:
    """How long a text takes to be spoken, in letters; the pause after a word counts as one."""
    if text.isascii():
        return float(sum(len(word) + 1 for word in text.split()))
    return sum(map(_weight_of_piece, pieces(text)))


def beginning(text: str, room: float) -> str:
    """As much of a text as takes no longer than so many letters."""
    end = 0
    for piece in pieces(text):
        room -= _weight_of_piece(piece)
        if room < 0:
            break
        end += len(piece)
    return text[:end].strip()


def heard(text: str, heard_ms: float, of_ms: float, *, is_whole: bool, letter_ms: float) -> tuple[str, bool]:
    """The words of a text that were heard, of which `heard_ms` of `of_ms` of sound were; and whether that is
    all of them. `is_whole`: it has all its sound; else it has run ahead of it, nobody knows how far, and no
    more counts than is said in so much time (`letter_ms`)."""
    if heard_ms <= 0 or of_ms <= 0:
        return "", not text
    if is_whole and heard_ms >= of_ms - HEARD_OUT_MS:
        return text, True
    room = weight(text) * min(1.0, heard_ms / of_ms)
    if not is_whole:
        room = min(room, heard_ms / letter_ms)
    kept = beginning(text, room)
    return kept, kept == text.strip() and is_whole


# Private.


def _weight_of_piece(piece: str) -> float:
    letters = sum(map(_weight, piece))
    # A pause between words counts as a letter; pieces of a word have none between them.
    ends_word = _UNSPACED.search(piece) is None or piece[-1].isspace()
    return letters + (1.0 if ends_word else 0.0)


def _weight(char: str) -> float:
    if char.isspace() or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0.0
    return WIDE_WEIGHT if unicodedata.east_asian_width(char) in ("W", "F") else 1.0


def _may_part(before: str, after: str) -> bool:
    if _UNSPACED.match(before) is None and _UNSPACED.match(after) is None:
        return False  # Inside a word or a number of another script.
    if before in _LEADS or after in _FOLLOWS or after.isspace() or before.isspace():
        return False
    kind = unicodedata.category(after)
    if kind.startswith("M") or (kind.startswith("P") and kind not in ("Ps", "Pi")):
        return False
    return unicodedata.category(before) not in ("Ps", "Pi")
