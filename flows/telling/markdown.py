"""Markdown from words that anyone may have chosen: prompts, names, answers. They read the same and do nothing. Pure."""

import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from flows.rules.plain import plain

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
#: What Markdown reads as more than itself: anywhere, and at the beginning of a line.
_MARKS = re.compile(r"[!#&()*.<>\[\\\]_`{|}~]|^[-+=]")
_IN_URLS = "%/:?#@!$'*,=~-._+"
_LONGEST = 2000


def escaped(text: str) -> str:
    """Returns text as one line of Markdown that reads the same: no mark-up, no HTML, no links with other words.

    Beyond two thousand characters it is cut, for a page is to be read.
    """
    line = " ".join(plain(text).split())
    if len(line) > _LONGEST:
        line = f"{line[:_LONGEST]}… ({len(line)} characters in all)"
    return _MARKS.sub(lambda mark: _ENTITIES.get(mark[0], f"\\{mark[0]}"), line)


def linked(text: str, url: str) -> str:
    """Returns a link; an address that no browser opens from a web page is shown as it is."""
    if not url.startswith(("https://", "http://")):
        return escaped(url)
    return f"[{escaped(text)}](<{quote(url, safe=_IN_URLS + '&').replace('&', '&amp;')}>)"


def quoted(prompt: str) -> list[str]:
    """Returns text as a quotation; a backslash at the end of a line keeps its own lines apart."""
    lines = [escaped(line) for line in prompt[: 2 * _LONGEST].splitlines() if line.strip()]
    if len(prompt) > 2 * _LONGEST:
        lines.append(f"… ({len(prompt)} characters in all)")
    return ["", "\\\n".join(f"> {line}" for line in lines), ""] if lines else [""]


def pairs(rows: Iterable[tuple[str, str]]) -> list[str]:
    """Returns a table without headings, of labels and what they say; what is said is Markdown already."""
    return ["", "| | |", "|---|---|", *(f"| {escaped(label)} | {said} |" for label, said in rows)]


def table(headings: Sequence[str], *rows: Sequence[str]) -> list[str]:
    """Returns a table of plain words."""
    head, *body = ([escaped(cell) for cell in row] for row in (headings, *rows))
    return ["", *(f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *body))]
