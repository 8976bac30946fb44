"""What the scripts write on the card, by their own text."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from shared.contract.lua import scripts
from shared.contract.lua.scripted import SCRIPTED

LUA = Path(scripts.__file__).parent
ROLE_FIELDS = {
    "role": ("brain", "egress"),
    **{f"role .. '_{part}'": (f"brain_{part}", f"egress_{part}") for part in ("epoch", "claims", "attempts")},
}


def scripted() -> dict[str, set[str]]:
    """Fields that scripts write on the card and the scripts that do, by the text of the scripts."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in LUA.glob("*.lua"):
        text = path.read_text("utf-8")
        for call in re.findall(r"redis\.call\('HSET', (?:card|KEYS\[1\]), (.*?)\)\n", text, re.DOTALL):
            if call.startswith("unpack"):
                continue  # What its caller gives: records.
            words = [word.strip() for word in re.split(r",\s*", call.replace("\n", " "))]
            for word in words[::2]:
                for name in ROLE_FIELDS.get(word, (word.strip("'"),)):
                    found[name].add(path.stem.upper())
    return found


def test_the_scripts_write_what_is_listed() -> None:
    """SCRIPTED and the Lua files say the same: the fields, and for each of them the scripts."""
    listed = {name: set(said.partition(": ")[0].split(", ")) for name, said in SCRIPTED.items()}
    assert listed == scripted()
