"""The tag of a caller: theirs on every call, and no way back to the number."""

from __future__ import annotations

from shared.caller_tag import CHARS, keys_of, tag, tags
from shared.settings import load

NUMBER, OTHER = "+15550006789", "+15550006889"


def test_a_caller_has_one_tag_under_one_key() -> None:
    """Another caller, or another key, makes another."""
    (key,) = keys_of(load(env_file=None, caller_key="k1"))
    (foreign,) = keys_of(load(env_file=None, caller_key="k2"))
    assert tag(NUMBER, key) == tag(NUMBER, key) != tag(OTHER, key)
    assert tag(NUMBER, key) != tag(NUMBER, foreign)
    assert len(tag(NUMBER, key)) == CHARS
    assert NUMBER[-4:] not in tag(NUMBER, key)


def test_without_a_key_of_its_own_the_carriers_token_is_one() -> None:
    """So that nothing has to be set; it is not what the token signs with."""
    assert keys_of(load(env_file=None, twilio_auth_token="t")) != ()
    assert keys_of(load(env_file=None, twilio_auth_token="t")) != keys_of(
        load(env_file=None, twilio_auth_token="t", caller_key="own")
    )
    assert keys_of(load(env_file=None, twilio_auth_token="")) == ()


def test_an_older_key_still_finds_what_it_has_tagged() -> None:
    """Two keys while one is changed: the first writes, both look."""
    old, new = load(env_file=None, caller_key="old"), load(env_file=None, caller_key="new, old")
    assert tags(NUMBER, old)[0] in tags(NUMBER, new)
    assert tags(NUMBER, new)[0] not in tags(NUMBER, old)


def test_who_withholds_a_number_has_no_tag() -> None:
    """All of them would be one caller."""
    (key,) = keys_of(load(env_file=None, caller_key="k"))
    assert [tag(each, key) for each in ("", "anonymous", "…89", "+266696687")] == [""] * 4
