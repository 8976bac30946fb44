"""Templates: everything on a page was written by somebody else, and is text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from console.web.render import STATIC, TEMPLATES, Pages, make_environment

HOSTILE = '"><img src=x onerror=alert(1)>\u202e\x1b[2J\x00'
ALL = sorted(TEMPLATES.glob("*.html"))


def test_hostile_words_are_words() -> None:
    """No element, no attribute, no direction for what follows, no control."""
    page = make_environment().from_string('<a title="{{ it }}">{{ it }}</a>').render(it=HOSTILE)
    assert "<img" not in page
    assert page.count('"') == 2
    assert not {"\u202e", "\x1b", "\x00"} & set(page)
    assert "&lt;img src=x onerror=alert(1)&gt;" in page


def test_a_name_that_was_not_given_is_an_error() -> None:
    """And no empty cell that nobody notices."""
    with pytest.raises(UndefinedError):
        make_environment().from_string("{{ nowhere }}").render()


def test_a_note_is_a_whole_page() -> None:
    """The frame around it needs no more than what the desk gives."""
    page = Pages().make("note.html", here="/x", user="", seal="s", told=HOSTILE, title=HOSTILE, words=HOSTILE)
    assert page.startswith("<!doctype html>")
    assert "<img" not in page


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("{{ 0|date }}", "1970-01-01 00:00:00"),
        ("{{ 1500|tokens(1200) }}", "1,500 (1,200 cached)"),
        ("{{ 0|tokens }}", "0"),
        ("{{ 65000|duration }}", "1:05"),
    ],
)
def test_filters(source: str, shown: str) -> None:
    """Figures as people read them."""
    assert make_environment().from_string(source).render() == shown


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_no_template_acts_by_itself(path: Path) -> None:
    """No inline script or style, no handler, nothing from elsewhere, nothing unescaped: the policy in the
    headers would stop it, and the page would be broken."""
    text = path.read_text("utf-8")
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)
    assert not re.search(r"(src|href|action)=\"(https?:)?//", text)
    assert "|safe" not in text
    assert text.count("|drawn") == (1 if path.stem == "call_picture" else 0)


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_every_form_that_changes_something_is_sealed(path: Path) -> None:
    """Each of them posts, and has the seal in it."""
    forms = re.findall(r"<form method=\"post\".*?</form>", path.read_text("utf-8"), re.DOTALL)
    assert all('name="seal" value="{{ seal }}"' in form for form in forms)


def test_a_control_of_a_form_has_a_name_for_whoever_hears_the_page() -> None:
    """Each input that can be seen has a label."""
    for path in ALL:
        text = path.read_text("utf-8")
        labels = set(re.findall(r'<label for="([^"]+)"', text))
        for tag in re.findall(r"<(?:input|select|textarea)[^>]*>", text):
            if 'type="hidden"' in tag or 'type="checkbox"' in tag:
                continue  # A box stands inside its label.
            (name,) = re.findall(r'\bid="([^"]+)"', tag)
            assert name in labels, f"{path.name}: {tag}"


def test_what_is_sent_beside_pages_is_small() -> None:
    """And has nothing of others in it."""
    files = [path for path in STATIC.iterdir() if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 60_000
    for path in files:
        assert "://" not in path.read_text("utf-8").replace("http://www.w3.org/2000/svg", ""), path.name
