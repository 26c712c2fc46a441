"""Lines of columns: shortened until they fit a terminal, whole where the output goes to a file or another program."""

from collections.abc import Sequence

from rich.cells import cell_len
from rich.text import Text

_BETWEEN = 2
_NARROWEST = 8


def columns(rows: Sequence[Sequence[Text]], width: int | None, shrinking: Sequence[int]) -> list[Text]:
    """Returns rows as lines whose columns stand under each other.

    Args:
        rows: The cells, as many in each row.
        width: Columns of the terminal; None leaves everything whole.
        shrinking: Which columns, counted from 0, give way where the terminal is too narrow, the first one first.
    """
    widths = [max(cell_len(cell.plain) for cell in column) for column in zip(*rows, strict=True)]
    if width is not None:
        for column in shrinking:
            over = sum(widths) + _BETWEEN * (len(widths) - 1) - width
            widths[column] = min(widths[column], max(_NARROWEST, widths[column] - over))
    return [_line(row, widths) for row in rows]


def _line(row: Sequence[Text], widths: Sequence[int]) -> Text:
    line = Text()
    for cell, width in zip(row, widths, strict=True):
        cell = cell.copy()
        cell.truncate(width, overflow="ellipsis", pad=True)
        line += cell + " " * _BETWEEN
    line.rstrip()
    return line
