"""The table of what each needs of Redis, compared with the scripts.

What it allows is tried on real servers in tests/deploy/test_acl.py.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

import pytest

from shared.contract.keys import Keys
from shared.contract.lua import scripts
from shared.contract.lua.scripts import Script
from shared.contract.worker import ROLES
from shared.store.access.grants import ALL_ROLES, GRANTS, OPERATOR, Access, KeyRule
from tests.support.acl import SENT_BY

HOLDERS = frozenset({"xinfo", "xgroup"})
UNUSED = {("append", "egress"): {"pttl"}}
"""What a role's calls of a script never come to: egress's control messages create no stream."""

FORBIDDEN = re.compile(
    r"flush|keys|monitor|eval$|config\|(?!get)|acl|debug|shutdown|save|replica|script\|(?!load)|@"
)

RULES = sorted({rule for grant in GRANTS.values() for part in grant.parts for rule in part.keys}, key=str)


def granted(name: str) -> set[str]:
    return {command for part in GRANTS[name].parts for command in part.commands}


def commands_in(script: Script) -> set[str]:
    """As rules name them."""
    found = set()
    for first, second in re.findall(r"redis\.p?call\('([A-Z]+)'(?:, '([A-Z]+)')?", script.text):
        found.add(f"{first}|{second}".lower() if first.lower() in HOLDERS else first.lower())
    return found


def test_every_script_is_somebodys() -> None:
    """One that nobody runs would be granted to nobody."""
    assert set(SENT_BY) == {script.name for script in scripts.ALL}


@pytest.mark.parametrize("script", scripts.ALL, ids=lambda script: script.name)
def test_who_runs_a_script_may_run_what_is_in_it(script: Script) -> None:
    """Each command; the keys are tried on real servers."""
    assert len(commands_in(script)) > 0
    for name in SENT_BY[script.name]:
        assert commands_in(script) - UNUSED.get((script.name, name), set()) <= granted(name), name


@pytest.mark.parametrize("name", GRANTS)
def test_nobody_administers(name: str) -> None:
    """By no command, and by no category, which may hold more in a next version; the configuration is the
    operator's to read, and nobody's to write."""
    assert [command for command in granted(name) if FORBIDDEN.search(command)] == []
    assert ("config|get" in granted(name)) == (name == OPERATOR)


@pytest.mark.parametrize("name", GRANTS)
def test_a_line_has_no_password(name: str) -> None:
    """Nor lets it in without one: who has the line logs in as nobody."""
    words = GRANTS[name].line.split()
    assert words[:3] == ["user", f"trunkline-{name}", "on"]
    assert words.index("-@all") < min(words.index(word) for word in words if word.startswith("+"))
    assert [word for word in words if word[0] in "><#!" or word in ("nopass", "allkeys", "allcommands")] == []


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_a_pattern_is_of_ours_and_has_a_sample(rule: KeyRule) -> None:
    """No pattern is so wide that it has another program's keys."""
    assert fnmatchcase(rule.sample, rule.pattern)
    assert rule.pattern.startswith("tl:")
    assert rule.pattern not in ("tl:*", "tl:{*", "tl:{*}:*")


def test_a_call_has_a_pattern_for_each_of_its_keys() -> None:
    """By the lane, by 32 characters of its name, by the part."""
    (card,) = [rule for rule in GRANTS["brain"].parts[0].keys if rule.pattern.endswith("?")]
    assert card == KeyRule(Access.FULL, "tl:{*}:call:CA" + "?" * 32)
    assert card.sample == Keys().card("CA" + "0" * 32)
    patterns = {rule.pattern for rule in GRANTS["ingress"].parts[0].keys}
    assert {"tl:{*}:out:ingress-*", "tl:out:ingress-*"} <= patterns


def test_one_user_for_all_roles_may_what_each_may() -> None:
    """As docs/operating.md has it for those who want no user a role."""
    (whole,) = ALL_ROLES.parts
    for role in ROLES:
        assert granted(role) <= set(whole.commands)
        assert set(GRANTS[role].parts[0].keys) <= set(whole.keys)


def test_what_a_rule_allows() -> None:
    """To read is not to write."""
    assert Access.FULL.allows(Access.READ)
    assert Access.WRITE.allows(Access.WRITE)
    assert not Access.READ.allows(Access.WRITE)
    assert not Access.WRITE.allows(Access.FULL)
