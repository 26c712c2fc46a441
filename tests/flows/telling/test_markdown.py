"""Markdown made of words that anyone may have chosen."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from flows.telling.markdown import escaped, linked, pairs, quoted, table

RENDERER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
HOSTILE = "<script>alert(1)</script> | `x` ![a](http://evil/p.png) \x1b[2J \u202egnp.exe\r\n# heading\n| a | b |"

printable = st.text(st.characters(exclude_categories=["C", "Z"], include_characters=" \n\t"), max_size=60)


@given(printable)
def test_any_words_read_the_same_as_markdown_and_do_nothing(text):
    line = " ".join(text.split())
    expected = html.escape(line, quote=False)
    for around, before, after in (("{}", "<p>", "</p>"), ("> {}", "<p>", "</p>"), ("# {}", "<h1>", "</h1>")):
        rendered = RENDERER.render(around.format(escaped(text)))
        body = rendered.removeprefix("<blockquote>\n").removesuffix("</blockquote>\n")
        assert html.unescape(body.strip()) == html.unescape(f"{before}{expected}{after}") or not line
        assert body.count("<") == 2 or not line


@given(printable)
def test_any_words_stay_in_their_cell(text):
    rendered = RENDERER.render(f"| a | b |\n|---|---|\n| {escaped(text)} | x |")
    assert rendered.count("<td>") == 2
    (cell, _) = re.findall(r"<td>(.*?)</td>", rendered)
    assert html.unescape(cell) == " ".join(text.split())


def test_hostile_words_make_no_markup_wherever_they_stand():
    page = "\n".join(
        [f"# {escaped(HOSTILE)}", *quoted(HOSTILE), *pairs([(HOSTILE, escaped(HOSTILE))]), *table([HOSTILE], [HOSTILE])]
    )
    rendered = RENDERER.render(page)
    tables = {"table", "thead", "tbody", "tr", "th", "td"}
    assert set(re.findall(r"</?(\w+)", rendered)) == {"h1", "blockquote", "p", "br", *tables}
    assert not re.search("[\x1b\u202e]", rendered)
    assert rendered.count("<tr>") == 4


def test_ten_thousand_characters_are_cut_and_counted():
    assert escaped("x" * 10_000).endswith("x… \\(10000 characters in all\\)")
    assert len(escaped("x" * 10_000)) < 2100
    lines = quoted("line of words\n" * 1000)
    assert sum(map(len, lines)) < 10_000
    assert "(14000 characters in all)" in lines[1]


@pytest.mark.parametrize("url", ["https://s3/b/a b.mp4?X-Sig=a%2Fb&X-Id=1", "https://s3/<x>|)(`_*[y]&copy;.mp4"])
def test_a_link_leads_where_it_says(url):
    rendered = RENDERER.render(f"| |\n|---|\n| {linked('film <b>', url)} |")
    (href,) = re.findall(r'<a href="([^"]+)">film &lt;b&gt;</a>', rendered)
    assert html.unescape(href).split("?")[0].startswith("https://s3/")
    assert rendered.count("<td>") == 1


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "/home/me/film.mp4", "s3://bucket/film.mp4", "data:text/html,x"]
)
def test_what_no_browser_should_open_is_only_shown(url):
    rendered = RENDERER.render(linked("film", url))
    assert html.unescape(rendered) == f"<p>{url}</p>\n"
