"""Deeds by HTTP: sealed, by POST alone, each written down with who did it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from console.archive.shelf import Search
from console.archive.writer import Writer
from console.calls import audit, live
from console.doctor import facts
from console.doctor.findings import Finding, Level
from console.operate import socket as supervisor_socket
from console.tries import PEER_AT_ONCE
from console.web import actions
from console.web.actions import FIELDS_MOST, FORM_MOST_BYTES
from console.web.desk import Desk
from console.web.guard import COOKIE
from shared import caller_tag
from shared.contract.keys import AUDIT
from shared.contract.streams.audit import AuditEntry, Deed
from shared.contract.streams.control import MAX_SAY_CHARS, Say, read_message
from shared.logs.log import get_log
from shared.ownership import steps
from shared.store.client import Store, make_store
from tests.console.archive.samples import end_call
from tests.console.recorder.test_files import record
from tests.console.web.desks import HERE, browser, desk_of, post, seal_of, told_after
from tests.support.redis_samples import BRAIN, KEYS, ONE, TWO, make_living_call
from tests.support.servers import free_port
from tests.support.waiting import wait_until

TOKEN = "a-token-of-some-length"
NUMBER = "+15550006789"
SECRET = "Tell them that their card was found"


async def deeds(store: Store) -> list[AuditEntry]:
    return await audit.newest(store)


async def only_deed(store: Store) -> AuditEntry:
    (found,) = await deeds(store)
    return found


async def said(store: Store, sid: str = ONE) -> list[Say]:
    """What the brain of a call was told to say."""
    found = [read_message(entry_id, fields) for entry_id, fields in await store.xrange(KEYS.control(sid))]
    return [each.message for each in found if isinstance(each.message, Say)]


# Say.


async def test_the_agent_is_told_to_say_something(store: Store, tmp_path: Path) -> None:
    """Once; written down is how long it was, and not what."""
    await make_living_call(store, ONE)
    async with browser(desk_of(store, tmp_path)) as http:
        page = f"/calls/{ONE}"
        answer = await post(http, f"{page}/say", on=page, words=f"  {SECRET} ")
        assert "it will be said" in await told_after(http, answer)
        await post(http, f"{page}/say", on=page, words="Now", now="on")
    assert [(each.text, each.force) for each in await said(store)] == [(SECRET, False), ("Now", True)]
    last, first = await deeds(store)
    assert (first.deed, first.by, first.of, first.words, first.ok) == (
        Deed.SAY, "web:local", ONE, f"{len(SECRET)} characters", True,
    )  # fmt: skip
    assert last.words == "3 characters"
    kept = b"".join(value for _, fields in await store.xrange(AUDIT) for value in fields.values())
    assert SECRET.encode() not in kept


async def test_a_button_in_the_list_says_it_to_that_call(store: Store, tmp_path: Path) -> None:
    """With the words of the one field that all rows share."""
    await make_living_call(store, ONE)
    await make_living_call(store, TWO)
    async with browser(desk_of(store, tmp_path)) as http:
        answer = await post(http, "/act", words="Good morning", speak=TWO)
        assert answer.headers["location"].startswith("/?did=")
    assert (len(await said(store, TWO)), len(await said(store, ONE))) == (1, 0)


async def test_words_are_bounded_and_must_be_there(store: Store, tmp_path: Path) -> None:
    """An empty field is no deed."""
    await make_living_call(store, ONE)
    async with browser(desk_of(store, tmp_path)) as http:
        page = f"/calls/{ONE}"
        assert (await post(http, f"{page}/say", on=page, words="  ")).status_code == 400
        assert await deeds(store) == []
        await post(http, f"{page}/say", on=page, words="x" * (MAX_SAY_CHARS + 500))
    (told,) = await said(store)
    assert len(told.text) == MAX_SAY_CHARS


# Hang up.


async def hung_up(desk: Desk, store: Store, **fields: str) -> httpx.Response:
    """Asks for the end of a call, whose brain obeys."""

    async def brain() -> None:
        await wait_until(lambda: store.xlen(KEYS.control(ONE)), "the brain is told")
        await steps.end(store, KEYS, ONE, outcome="hangup", by=BRAIN)

    async with browser(desk) as http, asyncio.TaskGroup() as group:
        group.create_task(brain())
        return await post(http, f"/calls/{ONE}/hangup", on=f"/calls/{ONE}", **fields)


async def test_a_call_is_hung_up(store: Store, tmp_path: Path) -> None:
    """By its brain, and that is seen."""
    await make_living_call(store, ONE)
    desk = desk_of(store, tmp_path)
    answer = await hung_up(desk, store, sure="on")
    assert answer.status_code == 303
    deed = await only_deed(store)
    assert (deed.deed, deed.of, deed.ok) == (Deed.HANG_UP, ONE, True)
    assert not await live.is_listed(store, KEYS, ONE)


async def test_whoever_is_not_sure_ends_nothing(store: Store, tmp_path: Path) -> None:
    """A press beside the button must not end a conversation."""
    await make_living_call(store, ONE)
    async with browser(desk_of(store, tmp_path)) as http:
        answer = await post(http, f"/calls/{ONE}/hangup", on=f"/calls/{ONE}")
    assert answer.status_code == 400
    assert "tick the box" in answer.text
    assert await store.xlen(KEYS.control(ONE)) == 0
    assert await deeds(store) == []


async def test_a_call_that_nobody_has_is_ended_all_the_same(store: Store, tmp_path: Path) -> None:
    """Without a brain, when somebody says so."""
    await make_living_call(store, ONE)
    async with browser(desk_of(store, tmp_path)) as http:
        answer = await post(http, f"/calls/{ONE}/hangup", on=f"/calls/{ONE}", sure="on", now="on")
        assert answer.status_code == 303
    assert (await only_deed(store)).ok
    assert not await live.is_listed(store, KEYS, ONE)


@pytest.mark.parametrize("sid", [TWO, "CA1", "nonsense"])
async def test_a_call_that_is_not_there_is_not_told(store: Store, tmp_path: Path, sid: str) -> None:
    """And the SIDs of others are not said."""
    await make_living_call(store, ONE)
    async with browser(desk_of(store, tmp_path)) as http:
        for path, fields in ((f"/calls/{sid}/say", {"words": "x"}), (f"/calls/{sid}/hangup", {"sure": "on"})):
            answer = await post(http, path, **fields)
            assert answer.status_code == 400
            assert "no such call" in answer.text
            assert ONE not in answer.text
    assert await deeds(store) == []


# Drain.


async def test_a_worker_is_drained(store: Store, tmp_path: Path) -> None:
    """One that is there."""
    await make_living_call(store, ONE)
    async with browser(desk_of(store, tmp_path)) as http:
        for wrong in ({"which": BRAIN}, {"which": "brain-9@x#1", "sure": "on"}):
            assert (await post(http, "/workers/drain", on="/fleet", **wrong)).status_code == 400
        answer = await post(http, "/workers/drain", on="/fleet", which=BRAIN, sure="on")
        assert "takes no new call" in await told_after(http, answer)
    deed = await only_deed(store)
    assert (deed.deed, deed.of) == (Deed.DRAIN, BRAIN)


# Forget.


async def keep(desk: Desk) -> None:
    assert desk.shelf is not None
    writer = Writer(
        store=desk.store, keys=KEYS, shelf=desk.shelf, log=get_log(), keep_days=30.0, with_text=True
    )
    await writer.round()


def kept(desk: Desk) -> list[str]:
    assert desk.shelf is not None
    return [each.call_sid for each in desk.shelf.find(Search()).calls]


async def test_a_call_is_deleted_everywhere(store: Store, tmp_path: Path) -> None:
    """On the shelf and in Redis; one that goes on stays."""
    desk = desk_of(store, tmp_path)
    await end_call(store, ONE)
    await keep(desk)
    await make_living_call(store, TWO)
    async with browser(desk) as http:
        answer = await post(http, f"/calls/{ONE}/forget", on=f"/calls/{ONE}", sure="on")
        assert "deleted" in await told_after(http, answer)
        answer = await post(http, f"/calls/{TWO}/forget", sure="on")
        assert "it goes on" in await told_after(http, answer)
    assert kept(desk) == []
    assert (await store.exists(KEYS.card(ONE)), await store.exists(KEYS.card(TWO))) == (0, 1)
    assert [each.deed for each in await deeds(store)] == [Deed.FORGET, Deed.FORGET]


async def test_without_an_archive_recordings_are_deleted_too(store: Store, tmp_path: Path) -> None:
    """Also of a call that nobody knows any more, and those of a caller."""
    desk = desk_of(store, tmp_path, archive_days=0)
    desk.recordings.make()
    (tag,) = caller_tag.tags(NUMBER, desk.settings)
    record(desk.recordings, ONE)
    record(desk.recordings, TWO, caller_tag=tag)
    async with browser(desk) as http:
        answer = await post(http, f"/calls/{ONE}/forget", on="/recordings", sure="on")
        assert "deleted" in await told_after(http, answer)
        assert [sid for sid, _ in desk.recordings.newest(9)] == [TWO]
        answer = await post(http, "/forget", on="/past", whom=NUMBER, sure="on")
        assert "1 recordings" in await told_after(http, answer)
    assert desk.recordings.newest(9) == []
    assert [each.deed for each in await deeds(store)] == [Deed.FORGET, Deed.FORGET]


async def test_a_caller_is_forgotten_by_their_whole_number(store: Store, tmp_path: Path) -> None:
    """Though every card has it masked; the number itself is written down nowhere."""
    desk = desk_of(store, tmp_path)
    (tag,) = caller_tag.tags(NUMBER, desk.settings)
    await end_call(store, ONE, caller_tag=tag)
    await end_call(store, TWO, caller_tag="b" * 32)
    await keep(desk)
    async with browser(desk) as http:
        for whom in ("6789", "", "me"):
            assert (await post(http, "/forget", on="/past", whom=whom, sure="on")).status_code == 400
        assert (await post(http, "/forget", on="/past", whom=NUMBER)).status_code == 400
        answer = await post(http, "/forget", on="/past", whom=NUMBER, sure="on")
        assert "1 calls deleted in the archive, 1 in Redis" in await told_after(http, answer)
    assert kept(desk) == [TWO]
    entries = await store.xrange(AUDIT)
    assert NUMBER.encode() not in b"".join(value for _, fields in entries for value in fields.values())


# Who may.


async def test_a_form_without_a_seal_does_nothing(store: Store, tmp_path: Path) -> None:
    """Nor with one of another user, of another console, of no form at all."""
    await make_living_call(store, ONE)
    desk, other = desk_of(store, tmp_path), desk_of(store, tmp_path)
    path = f"/calls/{ONE}/hangup"
    async with browser(desk) as http, browser(other) as elsewhere:
        foreign = seal_of((await elsewhere.get("/")).text)
        fields = {"sure": "on", "now": "on"}
        for seal in (None, "", "x", foreign, desk.seals.form("bob", 2**42)):
            answer = await http.post(path, data=fields if seal is None else {**fields, "seal": seal})
            assert answer.status_code == 403
            assert "Load the page again" in answer.text
    assert await live.is_listed(store, KEYS, ONE)
    assert await deeds(store) == []


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
async def test_a_form_of_another_site_does_nothing(
    store: Store, tmp_path: Path, headers: dict[str, str]
) -> None:
    """Even with a seal that somebody let them see."""
    await make_living_call(store, ONE)
    async with browser(desk_of(store, tmp_path)) as http:
        seal = seal_of((await http.get("/")).text)
        fields = {"seal": seal, "sure": "on", "now": "on"}
        answer = await http.post(f"/calls/{ONE}/hangup", data=fields, headers=headers)
        assert answer.status_code == 403
        assert await live.is_listed(store, KEYS, ONE)
        ours = {"origin": HERE, "sec-fetch-site": "same-origin"}
        assert (await http.post(f"/calls/{ONE}/hangup", data=fields, headers=ours)).status_code == 303


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{}", "application/json"),
        (b"seal=x", "text/plain"),
        (b"seal=x", ""),
        (b"words=" + b"x" * FORM_MOST_BYTES, FORM),
        (b"&".join(b"f%d=1" % number for number in range(FIELDS_MOST + 5)), FORM),
        (b"words=\xff\xfe", FORM),
    ],
)
async def test_what_is_no_form_of_ours_is_not_read(
    store: Store, tmp_path: Path, body: bytes, kind: str
) -> None:
    """A page of elsewhere can send these without asking."""
    async with browser(desk_of(store, tmp_path)) as http:
        answer = await http.post("/act", content=body, headers={"content-type": kind})
        assert answer.status_code == 400


async def test_the_name_that_a_proxy_says_is_written_down(store: Store, tmp_path: Path) -> None:
    """Not that of whoever says it themselves."""
    await make_living_call(store, ONE)
    desk = desk_of(store, tmp_path, web_user_header="X-Forwarded-User", web_proxies="10.0.0.7")
    async with browser(desk, peer="10.0.0.7", **{"x-forwarded-user": "ann"}) as http:
        await post(http, f"/calls/{ONE}/say", on=f"/calls/{ONE}", words="x")
    assert (await only_deed(store)).by == "web:ann"
    async with browser(desk, peer="10.0.0.8", **{"x-forwarded-user": "ann"}) as http:
        assert (await http.get("/")).status_code == 403


async def test_a_deed_that_redis_did_not_take_is_said_to_be_uncertain(tmp_path: Path) -> None:
    """And no trace of it is claimed."""
    away = make_store(f"redis://127.0.0.1:{free_port()}/0", name="test", timeout_s=0.3)
    async with browser(desk_of(away, tmp_path)) as http:
        answer = await post(http, f"/calls/{ONE}/say", words="x")
        assert answer.status_code == 503
        assert "It may not have been done" in answer.text
    await away.aclose()


# The token.


async def test_whoever_shows_the_token_gets_a_session(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a cookie that no script reads and no other site sends; until they sign out."""
    monkeypatch.setattr(actions, "SLOW_S", 0.0)
    async with browser(desk_of(store, tmp_path, web_token=TOKEN)) as http:
        assert (await http.get("/")).headers["location"] == "/login"
        wrong = await post(http, "/login", on="/login", token="guessed")
        assert "that is not the token" in await told_after(http, wrong)
        assert COOKIE not in http.cookies
        right = await post(http, "/login", on="/login", token=TOKEN)
        cookie = right.headers["set-cookie"].lower()
        for word in ("httponly", "samesite=strict", "path=/"):
            assert word in cookie
        assert "secure" not in cookie  # It came by plain HTTP, from this host.
        page = (await http.get("/")).text
        assert "Sign out" in page
        assert TOKEN not in page
        assert (await http.get("/login")).status_code == 303
        await post(http, "/logout")
        assert (await http.get("/")).status_code == 303
    assert [each.deed for each in await deeds(store)] == [Deed.SIGN_IN, Deed.REFUSED]


async def test_behind_tls_the_cookie_stays_there(store: Store, tmp_path: Path) -> None:
    """By what the proxy says."""
    async with browser(desk_of(store, tmp_path, web_token=TOKEN), **{"x-forwarded-proto": "https"}) as http:
        right = await post(http, "/login", on="/login", token=TOKEN)
        assert "secure" in right.headers["set-cookie"].lower()


async def test_a_program_shows_it_in_a_header(store: Store, tmp_path: Path) -> None:
    """And needs the seal still: it is read from the page."""
    await make_living_call(store, ONE)
    desk = desk_of(store, tmp_path, web_token=TOKEN)
    async with browser(desk, authorization=f"Bearer {TOKEN}") as http:
        answer = await post(http, f"/calls/{ONE}/say", on=f"/calls/{ONE}", words="x")
        assert answer.status_code == 303
    assert (await only_deed(store)).by == "web:token"


async def test_guesses_are_bounded_and_leave_one_entry(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many come at once; the right one is not looked at either, and other peers are."""
    monkeypatch.setattr(actions, "SLOW_S", 0.0)
    desk = desk_of(store, tmp_path, web_token=TOKEN)
    async with browser(desk) as http:
        seal = seal_of((await http.get("/login")).text)

        async def tried(token: str) -> httpx.Response:
            return await http.post("/login", data={"seal": seal, "token": token})

        answers = await asyncio.gather(*(tried("guessed") for _ in range(4 * PEER_AT_ONCE)))
        assert [each.status_code for each in answers].count(303) == PEER_AT_ONCE
        right = await tried(TOKEN)
        assert (right.status_code, COOKIE in http.cookies) == (429, False)
        assert int(right.headers["retry-after"]) > 0
        assert "try again later" in right.text
    assert [(each.deed, each.ok) for each in await deeds(store)] == [(Deed.REFUSED, False)]
    async with browser(desk, peer="127.0.0.2") as http:
        assert (await post(http, "/login", on="/login", token=TOKEN)).headers["location"] == "/"


# The doctor.


async def test_the_doctor_looks_when_asked_and_one_at_a_time(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it found stands on the page from then on."""
    begun, go = asyncio.Event(), asyncio.Event()

    async def examine(_asked: Any) -> list[Finding]:
        begun.set()
        await go.wait()
        return [Finding(level=Level.WARN, what="disk", found="<b>full</b>", do="make room")]

    monkeypatch.setattr(facts, "examine", examine)
    monkeypatch.setattr(supervisor_socket, "find", lambda: tmp_path / "nowhere.sock")
    async with browser(desk_of(store, tmp_path)) as http:
        assert "not looked yet" in (await http.get("/fleet")).text
        first = asyncio.create_task(post(http, "/doctor", on="/fleet"))
        await begun.wait()
        second = await post(http, "/doctor", on="/fleet")
        assert "somebody has asked the doctor already" in await told_after(http, second)
        go.set()
        page = await told_after(http, await first)
        assert "&lt;b&gt;full&lt;/b&gt;" in page
        assert "make room" in page


async def test_a_doctor_who_cannot_look_says_so(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And may be asked again."""

    def nowhere() -> Path:
        raise supervisor_socket.NoSocket("no supervisord here")

    monkeypatch.setattr(supervisor_socket, "find", nowhere)
    async with browser(desk_of(store, tmp_path)) as http:
        for _ in range(2):
            page = await told_after(http, await post(http, "/doctor", on="/fleet"))
            assert "no supervisord here" in page
