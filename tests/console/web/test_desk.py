"""The desk: what a page of the console is made with, and words that are shown once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from console.web import desk as module
from console.web.desk import NOTE_MS, NOTES_MOST, Notes
from shared.settings import SettingsError
from shared.store.client import Store
from tests.console.web.desks import browser, desk_of, post, told_after
from tests.support.redis_samples import KEYS, ONE, make_living_call

AT_MS = 1_700_000_000_000


def test_a_note_is_shown_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """To whoever brings its name, and not after a minute."""
    now = [1_000.0]
    monkeypatch.setattr(module, "now_ms", lambda: now[0])
    notes = Notes()
    first, second = notes.put("said"), notes.put("hung up")
    assert first != second
    assert (notes.take(first), notes.take(first)) == ("said", "")
    now[0] += NOTE_MS
    assert (notes.take(second), notes.take("../../etc")) == ("", "")


def test_notes_are_bounded() -> None:
    """Those that nobody fetched go."""
    notes = Notes()
    names = [notes.put(str(number)) for number in range(NOTES_MOST + 1)]
    assert (notes.take(names[0]), notes.take(names[1]), notes.take(names[-1])) == ("", "1", str(NOTES_MOST))


async def test_a_word_of_a_url_is_no_note(store: Store, tmp_path: Path) -> None:
    """What stands in the query is a name, and is never shown itself."""
    async with browser(desk_of(store, tmp_path)) as http:
        page = (await http.get("/?did=You+are+hacked")).text
        assert "hacked" not in page


async def test_whoever_did_something_is_told(store: Store, tmp_path: Path) -> None:
    """On the page that follows; on the next one no more."""
    await make_living_call(store, ONE)
    async with browser(desk_of(store, tmp_path)) as http:
        answer = await post(http, f"/calls/{ONE}/say", on=f"/calls/{ONE}", words="Good morning")
        assert "it will be said" in await told_after(http, answer)
        assert "it will be said" not in (await http.get(answer.headers["location"])).text
        assert await store.xlen(KEYS.control(ONE)) > 0


async def test_prices_that_cannot_be_read_are_a_wrong_setting(store: Store, tmp_path: Path) -> None:
    """Nothing is shown with prices that somebody did not mean."""
    (tmp_path / "prices.toml").write_text("as_of = [", "utf-8")
    with pytest.raises(SettingsError, match="TOML"):
        desk_of(store, tmp_path, prices_file=f"{tmp_path}/prices.toml")


async def test_sessions_outlive_a_restart_where_there_is_a_token(store: Store, tmp_path: Path) -> None:
    """Without one a form of before is not taken: whose it is nobody knows."""
    token = "a-token-of-some-length"
    first, second = (desk_of(store, tmp_path, web_token=token) for _ in range(2))
    assert second.seals.is_session(first.seals.session(AT_MS), AT_MS)
    third, fourth = (desk_of(store, tmp_path) for _ in range(2))
    assert not fourth.seals.is_form("local", third.seals.form("local", AT_MS), AT_MS)


async def test_without_days_there_is_no_archive(store: Store, tmp_path: Path) -> None:
    """Nor a file of one."""
    assert desk_of(store, tmp_path, archive_days=0).shelf is None
    assert os.listdir(tmp_path) == []
