"""The page: valid, self-contained, and safe whatever tokens and texts are made of."""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from markupsafe import Markup

from monoglot.reporting.content import Change, ComparisonSection, Origin, Page, TextTable
from monoglot.reporting.figures.curve import curve
from monoglot.reporting.page import pack, render
from monoglot.reporting.tokens import Example, Piece

EVIL = "</script><b onload=alert(1)>&\"'\u202e"
PAPER = "https://aclanthology.org/2023.emnlp-main.829"
VOID = {"meta", "input", "br", "link", "img", "hr"}


class Checker(HTMLParser):
    """Checks that tags are balanced and ids unique; collects what is referred to and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        values = dict(attrs)
        self.ids += [values["id"]] if "id" in values else []
        self.links += [values["href"]] if tag == "a" else []
        loaded = ("src", "srcset", "data", "poster", *(() if tag == "a" else ("href",)))
        self.loaded += [values[name] for name in loaded if name in values]
        assert not any(name.startswith("on") for name in values), values
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def checked(html: str) -> Checker:
    checker = Checker()
    checker.feed(html)
    checker.close()
    assert checker.open == []
    assert len(checker.ids) == len(set(checker.ids))
    assert checker.loaded == []
    assert "@import" not in html
    assert "url(" not in html
    assert {link for link in checker.links if not link.startswith("#")} <= {PAPER}
    assert {link[1:] for link in checker.links if link.startswith("#")} <= set(checker.ids)
    return checker


@pytest.fixture
def evil_page() -> Page:
    """Every text on it is what an attacker, or an unlucky tokenizer, would choose."""
    return Page(
        title=EVIL,
        subtitle=EVIL,
        story=[EVIL],
        changes=[Change(EVIL, EVIL, EVIL, EVIL)],
        warnings=[EVIL],
        notes=[EVIL],
        origins=[Origin(EVIL, 1, 2, 0.5, 0.5)],
        examples=[Example((Piece(EVIL, 2),), (Piece("שלום", 1),))],
        tokens={"texts": [EVIL]},
        n_tokens=1,
        training=[Change(EVIL, "1", "2")],
        curves={"loss": curve(EVIL, EVIL, [(0, 1.0), (10, 0.5)])},
        comparison=ComparisonSection(
            TextTable([EVIL], [[EVIL]]), {EVIL: curve(EVIL, EVIL, [(0, 1.0)])}, [EVIL]
        ),
        costs=TextTable([EVIL, EVIL], [[EVIL, EVIL]]),
        settings={EVIL: {EVIL: EVIL}},
        versions={EVIL: EVIL},
        hashes={EVIL: EVIL},
        command=EVIL,
        closing=EVIL,
    )


def test_hostile_texts_stay_texts(evil_page):
    html = render(evil_page)
    found = checked(html)
    assert "b" not in found.tags
    assert EVIL not in html
    assert html.count("<script") == 3
    assert found.text.count("<b onload=alert(1)>") >= 20


def test_texts_of_the_user_are_isolated_from_the_direction_of_the_page(evil_page):
    html = render(evil_page)
    assert '<bdi class="cut" dir="auto"><span class="t0">שלום</span></bdi>' in html.replace("\n", "")
    assert f"<h1><bdi>{Markup.escape(EVIL)}</bdi></h1>" in html


def test_a_page_of_nothing_is_valid():
    html = render(Page("t", "s", ["Nothing was done."]))
    assert checked(html).ids == ["making"]


def test_the_paper_is_named_where_its_method_was_used():
    page = Page("t", "s", ["Nothing was done."])
    assert PAPER not in checked(render(page)).links
    assert PAPER in checked(render(replace(page, cites_focus=True))).links


def test_packed_values_come_back_and_hold_no_html():
    values = {"texts": [EVIL, "▁für"]}
    packed = pack(values)
    assert packed == pack(values)
    assert not set(packed) & set("<>&\"'")
    assert json.loads(gzip.decompress(base64.b64decode(packed))) == values
