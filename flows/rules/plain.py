"""Text of anyone's choosing, without what could steer a terminal, a log or the direction of a page. Pure."""

import unicodedata


def steers(char: str) -> bool:
    """Whether a character is a control, escape or direction mark."""
    return unicodedata.category(char) in ("Cc", "Cf")


def plain(text: str) -> str:
    """Returns text on one line, with a space for each character that steers."""
    return "".join(" " if steers(char) else char for char in text)
