"""Who has which slots, from a node's own words."""

from __future__ import annotations

import pytest

from proofs.prove.chaos.shapes.slots import SLOTS, dealt_out, is_whole, owner_of, read_nodes

SAID = """\
aaa 127.0.0.1:20001@21001 myself,master - 0 0 1 connected 0-5460 [93-<-bbb]
bbb 127.0.0.1:20002@21002,name master - 0 1700000000000 2 connected 5461-10921 10922
ccc 127.0.0.1:20003@21003 master - 0 1700000000000 3 connected 10923-16383
ddd 127.0.0.1:20004@21004 slave aaa 0 1700000000000 1 connected
eee 127.0.0.1:20005@21005 slave bbb 0 1700000000000 2 connected
fff 127.0.0.1:20006@21006 slave ccc 0 1700000000000 3 connected
"""


def whole(text: str) -> bool:
    """Of three masters with a replica each."""
    return is_whole(read_nodes(text), nodes=6, masters=3)


def test_a_node_says_who_has_what() -> None:
    """Where it is asked, whose replica it is, its slots; not what is on its way."""
    lines = read_nodes(SAID)
    assert [(line.node_id, line.port, line.epoch, line.count) for line in lines[:3]] == [
        ("aaa", 20001, 1, 5461),
        ("bbb", 20002, 2, 5462),
        ("ccc", 20003, 3, 5461),
    ]
    assert [line.master_id for line in lines] == ["", "", "", "aaa", "bbb", "ccc"]
    assert [line.is_master for line in lines] == [True] * 3 + [False] * 3
    assert whole(SAID)


def test_of_two_who_claim_a_slot_the_newer_one_has_it() -> None:
    """A former master that has slept believes that it still is one."""
    asleep = SAID.replace("slave aaa 0 1700000000000 1 connected", "master - 0 0 7 connected 0-5460")
    owner = owner_of([*read_nodes(SAID), *read_nodes(asleep)], 17)
    assert owner is not None
    assert owner.node_id == "ddd"
    assert owner_of(read_nodes("aaa 127.0.0.1:20001@21001 myself,master - 0 0 0 connected"), 17) is None


@pytest.mark.parametrize(
    ("word", "instead"),
    [
        ("myself,master - 0 0 1 connected 0-5460", "myself,master - 0 0 1 connected 0-5459"),
        ("20002@21002,name master", "20002@21002,name master,fail"),
        ("20002@21002,name master", "20002@21002,name master,fail?"),
        ("slave bbb 0 1700000000000 2 connected", "slave bbb 0 1700000000000 2 disconnected"),
        ("slave bbb", "slave ccc"),
        ("fff 127.0.0.1:20006@21006 slave ccc 0 1700000000000 3 connected\n", ""),
    ],
)
def test_what_is_missing_is_seen(word: str, instead: str) -> None:
    """A slot, a node, a link, a replica."""
    assert word in SAID
    assert not whole(SAID.replace(word, instead))


def test_all_slots_are_dealt_out() -> None:
    """Once each, as even as may be."""
    ranges = dealt_out(3)
    assert [slot for each in ranges for slot in each] == list(range(SLOTS))
    assert max(map(len, ranges)) - min(map(len, ranges)) <= 1
