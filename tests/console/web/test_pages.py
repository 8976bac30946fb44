"""Pages by HTTP: what a browser is given, whatever callers and models have said."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import pytest

from console.archive.writer import Writer
from console.web.desk import Desk
from console.web.pages import redis_lines
from console.web.rows import LIVE_MOST
from shared.clock import wall_ms
from shared.contract.bill import usage
from shared.contract.entry import to_dict
from shared.contract.streams.history import ItemEntry, history_fields
from shared.contract.streams.journal import Kind
from shared.logs.log import get_log
from shared.store.client import Store, make_store
from tests.console.archive.samples import end_call
from tests.console.web.desks import browser, desk_of, elements
from tests.support.redis_samples import BRAIN, EGRESS, INGRESS, KEYS, ONE, TWO, make_living_call, make_worker
from tests.support.servers import free_port

HOSTILE = "</td></svg><script>alert(1)</script><img src=x onerror=alert(2)>\u202e\x1b[2J"
HEBREW = "איפה ההזמנה שלי?"
PAGE_MOST_BYTES = 100_000
PAGES = ("/", "/past", "/fleet", "/audit", "/phone", f"/calls/{ONE}", "/nowhere")


async def journal(store: Store, kind: Kind, sid: str = ONE, **fields: str) -> None:
    await store.xadd(KEYS.journal(sid), {"v": "1", "kind": kind.value, "from": BRAIN, **fields})


async def say(store: Store, text: str, *, sid: str = ONE, role: str = "user", item_id: str = "u1") -> None:
    entry = ItemEntry(item_id=item_id, role=role, text=text, final=True)
    await store.xadd(KEYS.history(sid), to_dict(history_fields(entry)))


async def hostile_call(store: Store) -> None:
    """Everything on it that a caller, a model or a proxy can choose is hostile."""
    await make_living_call(store, ONE, agent=HOSTILE, phase=HOSTILE, owed_ms="4000", owed_cause=HOSTILE)
    await store.hset(KEYS.card(ONE), "usage", usage.dump([usage.used(HOSTILE, text_in=1)]))
    await say(store, HOSTILE)
    await say(store, HOSTILE, role="assistant", item_id="i1")
    await journal(store, Kind.TOOL_STARTED, tool=HOSTILE, call_id="c1")
    await journal(store, Kind.RESPONSE_CREATED, response=HOSTILE, by="server")
    await journal(store, Kind.ERROR, what=HOSTILE)


async def archived(desk: Desk) -> None:
    """What is over gets onto the desk's shelf."""
    assert desk.shelf is not None
    writer = Writer(
        store=desk.store, keys=KEYS, shelf=desk.shelf, log=get_log(), keep_days=30.0, with_text=True
    )
    await writer.round()


async def test_every_page_is_there_when_nothing_is(store: Store, tmp_path: Path) -> None:
    """A first look at an empty deployment: a page that says what to do, none that breaks."""
    async with browser(desk_of(store, tmp_path)) as http:
        for path in PAGES:
            answer = await http.get(path)
            assert answer.status_code == (404 if path in ("/nowhere", f"/calls/{ONE}") else 200), path
        assert "No live call" in (await http.get("/")).text
        assert "No call fits" in (await http.get("/past")).text
        assert "Nobody knows this call" in (await http.get(f"/calls/{ONE}")).text


async def test_a_live_call_is_a_row_and_a_page(store: Store, tmp_path: Path) -> None:
    """Words and numbers hidden, as it comes."""
    await make_living_call(store, ONE, agent="sales", response_ms="640", cost_micros="41260")
    await say(store, "My card is lost")
    async with browser(desk_of(store, tmp_path)) as http:
        live = (await http.get("/")).text
        for shown in (f"/calls/{ONE}", "sales", "0.0413 USD", "640ms", "brain-0"):
            assert shown in live, shown
        page = (await http.get(f"/calls/{ONE}")).text
        for shown in (ONE, "<svg", "As heard", "Hang up", "/events/calls/"):
            assert shown in page, shown
        assert "My card is lost" not in live + page


async def test_words_are_shown_where_a_setting_says_so(store: Store, tmp_path: Path) -> None:
    """Each text with its own direction."""
    await make_living_call(store, ONE)
    await say(store, HEBREW)
    async with browser(desk_of(store, tmp_path, web_shows="text")) as http:
        assert f'<bdi dir="auto">{HEBREW}</bdi>' in (await http.get("/")).text
        assert f'<p dir="auto">{HEBREW}' in (await http.get(f"/calls/{ONE}")).text


@pytest.mark.parametrize("shows", ["", "text,numbers"])
async def test_hostile_words_are_words_on_every_page(store: Store, tmp_path: Path, shows: str) -> None:
    """Of a caller, a model, a tool, a user's name, a query."""
    await hostile_call(store)
    await make_worker(store, "brain-1@h#1", version=HOSTILE)
    desk = desk_of(store, tmp_path, web_shows=shows, web_user_header="X-User", web_proxies="127.0.0.1")
    user = "".join(each for each in HOSTILE if each.isascii() and each.isprintable())
    names = ("number", "agent", "since", "kinds", "span", "did", "at", "before", "outcome")
    async with browser(desk, **{"x-user": user}) as http:
        for path, query in itertools.product(PAGES[:-1], ({}, dict.fromkeys(names, HOSTILE))):
            text = (await http.get(path, params=query)).text
            assert "&lt;script&gt;" in text, path
            assert not {"\u202e", "\x1b"} & set(text), path
            for tag, attributes in elements(text):
                assert tag not in ("img", "iframe", "object", "style"), path
                assert tag != "script" or attributes["src"].startswith("/static/"), path
                assert not any(name.startswith("on") or name == "style" for name in attributes), path


async def test_a_page_is_small(store: Store, tmp_path: Path) -> None:
    """However many calls there are, and however long one is."""
    for number in range(LIVE_MOST + 5):
        await make_living_call(store, f"CA{number:032x}", agent="a-name-of-some-length")
        await say(store, "word " * 300, sid=f"CA{number:032x}")
    one = f"CA{1:032x}"
    for number in range(400):
        span = {"from_ms": str(wall_ms() - 900), "to_ms": str(wall_ms())}
        await journal(store, Kind.VOICE, sid=one, item=f"u{number}", **span)
        await journal(store, Kind.RESPONSE_CREATED, sid=one, response=f"resp_{number:020}", by="server")
        await journal(store, Kind.AUDIBLE, sid=one, response=f"resp_{number:020}", item=f"i{number}")
        await say(store, "word " * 20, sid=one, item_id=f"u{number}")
    async with browser(desk_of(store, tmp_path, web_shows="text")) as http:
        for path in ("/", f"/calls/{one}?span=whole", "/fleet"):
            found = await http.get(path)
            assert found.status_code == 200
            assert len(found.content) < PAGE_MOST_BYTES, f"{path}: {len(found.content):,} bytes"
        assert "5 more" in (await http.get("/")).text
        assert "No live call fits" in (await http.get("/?find=nobody")).text


async def test_a_call_is_downloaded_as_json(store: Store, tmp_path: Path) -> None:
    """All of it, without what is hidden."""
    await make_living_call(store, ONE, called="+15550001122")
    await store.hset(KEYS.card(ONE), "from", "+15550006789")
    await say(store, "My card is lost")
    await journal(store, Kind.SPEECH_STARTED, item="u1")
    async with browser(desk_of(store, tmp_path)) as http:
        answer = await http.get(f"/calls/{ONE}.json")
        assert answer.headers["content-type"] == "application/json"
        assert f'filename="{ONE}.json"' in answer.headers["content-disposition"]
        found = json.loads(answer.text)
        assert (found["call_sid"], found["from_number"], len(found["transcript"])) == (ONE, "…89", 1)
        for secret in ("5550006789", "5550001122", "My card"):
            assert secret not in answer.text
        assert (await http.get(f"/calls/{TWO}.json")).status_code == 404
    async with browser(desk_of(store, tmp_path, web_shows="text,numbers")) as http:
        text = (await http.get(f"/calls/{ONE}.json")).text
        assert "My card is lost" in text
        assert "+15550006789" in text


async def test_past_calls_of_the_archive(store: Store, tmp_path: Path) -> None:
    """Found by what a row has; a page of one is there after Redis has forgotten it."""
    desk = desk_of(store, tmp_path, web_shows="text")
    await end_call(store, ONE, agent="sales", ago_ms=120_000)
    await end_call(store, TWO, agent="desk")
    await archived(desk)
    await store.delete(KEYS.card(ONE), KEYS.journal(ONE), KEYS.history(ONE))
    async with browser(desk) as http:
        whole = (await http.get("/past")).text
        assert whole.index(TWO) < whole.index(ONE)  # The newest first.
        found = (await http.get("/past?agent=sales")).text
        assert ONE in found
        assert TWO not in found
        assert "No call fits" in (await http.get("/past?since=1m&outcome=apology")).text
        page = (await http.get(f"/calls/{ONE}")).text
        assert "My card is lost" in page
        assert "4242424242424242" not in page
        assert "/say" not in page
        assert "delete all that is kept of this call" in page


async def test_older_calls_are_the_next_page(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a link that keeps what was asked for."""
    monkeypatch.setattr("console.web.pages.PAST_MOST", 2)
    desk = desk_of(store, tmp_path)
    for number in range(3):
        await end_call(store, f"CA{number:032x}", agent="sales", ago_ms=60_000 + number * 1_000)
    await archived(desk)
    async with browser(desk) as http:
        first = (await http.get("/past?agent=sales")).text
        (more,) = re.findall(r'href="(\?[^"]+)" rel="next"', first)
        assert "agent=sales" in more
        second = (await http.get("/past" + more.replace("&amp;", "&"))).text
        assert f"CA{2:032x}" in second
        assert f"CA{0:032x}" not in second
        assert 'rel="next"' not in second


async def test_without_an_archive_the_hour_of_redis_is_listed(store: Store, tmp_path: Path) -> None:
    """What is in Redis and what was recorded can be forgotten all the same."""
    await end_call(store, ONE)
    async with browser(desk_of(store, tmp_path, archive_days=0)) as http:
        page = (await http.get("/past")).text
        assert ONE in page
        assert "Forget a caller" in page
        assert 'href="/recordings"' in page


@pytest.mark.parametrize("query", ["since=yesterday", "since=-5m", "before=abc", "before=" + "9" * 40])
async def test_what_nobody_can_search_for_is_said(store: Store, tmp_path: Path, query: str) -> None:
    """The page stays; a time that is none is named."""
    async with browser(desk_of(store, tmp_path)) as http:
        answer = await http.get(f"/past?{query}")
        assert answer.status_code == 200
        assert ('role="alert"' in answer.text) is query.startswith("since")


async def test_a_time_longer_than_any_archive_finds_all_of_it(store: Store, tmp_path: Path) -> None:
    """A number that no database takes is as good as none."""
    desk = desk_of(store, tmp_path)
    await end_call(store, ONE)
    await archived(desk)
    async with browser(desk) as http:
        answer = await http.get(f"/past?since={'9' * 150}d")
        assert answer.status_code == 200
        assert ONE in answer.text


async def test_the_fleet_shows_workers_redis_and_alerts(store: Store, tmp_path: Path) -> None:
    """One that is dead is an alert."""
    await make_living_call(store, ONE, brain_claims="2")
    await make_worker(store, "brain-1@h#1", at_ms=wall_ms() - 60_000)
    desk = desk_of(store, tmp_path, web_grafana_url="https://grafana.example.org/d/x")
    async with browser(desk) as http:
        page = (await http.get("/fleet")).text
        for shown in ("brain-0", "1 of 10", "TrunklineProcessDown", "TrunklineNoJanitor", "grafana.example"):
            assert shown in page, shown
        assert re.search(r"<dt>version</dt><dd>\d", page)
        assert re.search(r"<dt>of these taken over</dt><dd>1</dd>", page)


async def test_the_fleet_says_which_alerts_it_looks_at(store: Store, tmp_path: Path) -> None:
    """A call that ended in an apology is dead air; what needs figures over time is said to be elsewhere."""
    await make_living_call(store, ONE)
    await end_call(store, TWO)
    await store.hset(KEYS.card(TWO), "outcome", "apology")
    async with browser(desk_of(store, tmp_path)) as http:
        page = (await http.get("/fleet")).text
    assert "TrunklineDeadAir" in page
    assert "ended in an apology within 10 minutes: 1" in page
    for looked_at in ("FramesLate", "TwilioSlow", "ModelSlow", "RedisSlow", "Silence"):
        assert f"{looked_at}, " in page, looked_at
    assert "those are Prometheus's" in page.replace("&#39;", "'")


async def test_each_live_call_leads_to_listening_and_to_taking_its_processes_out(
    store: Store, tmp_path: Path
) -> None:
    """Each of them is there in its row, and is confirmed where it is done; nobody listens where they may
    not."""
    await make_living_call(store, ONE)
    await make_worker(store, "brain-1@h#1")
    async with browser(desk_of(store, tmp_path)) as http:
        page = (await http.get("/")).text
        assert f'href="/calls/{ONE}#listen"' in page
        assert f'href="/fleet?call={ONE}#h-drain"' in page
        assert 'id="listen"' in (await http.get(f"/calls/{ONE}")).text
        whole = (await http.get("/fleet")).text
        narrow = (await http.get(f"/fleet?call={ONE}")).text
    assert "<option>brain-1@h#1</option>" in whole
    assert "<option>brain-1@h#1</option>" not in narrow
    for worker in (INGRESS, BRAIN, EGRESS):
        assert f"<option>{worker}</option>" in narrow
    others = desk_of(store, tmp_path, web_user_header="X-User", web_proxies="127.0.0.1")
    async with browser(others, **{"x-user": "ann"}) as http:
        page = (await http.get("/")).text
    assert "#listen" not in page
    assert "#h-drain" in page


def test_what_each_master_says_is_told() -> None:
    """In one order; what all say alike is told once, and what none says not at all."""
    said = redis_lines([{"redis_version": "7.2", "used_memory_human": f"{size}M"} for size in (3, 4, 5)])
    assert said == [("version", "7.2"), ("memory", "3M, 4M, 5M")]


async def test_while_redis_is_away_each_page_says_so(tmp_path: Path) -> None:
    """None is an error of ours."""
    away = make_store(f"redis://127.0.0.1:{free_port()}/0", name="test", timeout_s=0.3)
    async with browser(desk_of(away, tmp_path)) as http:
        assert "Redis does not answer" in (await http.get("/")).text
        assert "TrunklineRedisAway" in (await http.get("/fleet")).text
        assert (await http.get(f"/calls/{ONE}")).status_code == 503
        assert (await http.get(f"/calls/{ONE}.json")).status_code == 503
        assert (await http.get("/audit")).status_code == 503
        assert (await http.get("/past")).status_code == 200  # That is the archive's.
    await away.aclose()


async def test_nothing_is_changed_by_looking(store: Store, tmp_path: Path) -> None:
    """Each path of a deed answers a GET with a refusal, and Redis is as it was."""
    await make_living_call(store, ONE)
    before = {key: await store.ttl(key) > 0 async for key in store.scan_iter()}
    async with browser(desk_of(store, tmp_path)) as http:
        for path in ("/act", f"/calls/{ONE}/say", f"/calls/{ONE}/hangup", f"/calls/{ONE}/forget",
                     "/workers/drain", "/forget", "/doctor", "/logout"):  # fmt: skip
            assert (await http.get(path, params={"sure": "on", "words": "x"})).status_code == 405, path
        for path in PAGES:
            await http.get(path)
            await http.head(path)
    assert {key: await store.ttl(key) > 0 async for key in store.scan_iter()} == before
