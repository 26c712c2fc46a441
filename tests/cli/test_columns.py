"""Lines of columns, in cells as a terminal counts them."""

from rich.cells import cell_len
from rich.text import Text

from flows.commands.columns import columns

ROWS = [
    [Text("name"), Text("state"), Text("model")],
    [Text("夜の港" * 20), Text("published"), Text("happyhorse-1.0-video-edit")],
    [Text("a"), Text("held"), Text("wan2.7-videoedit")],
]


def test_without_a_terminal_everything_is_whole():
    lines = [line.plain for line in columns(ROWS, None, [2, 0])]
    assert "夜の港" * 20 in lines[1]
    assert lines[2].split() == ["a", "held", "wan2.7-videoedit"]
    assert (
        len({cell_len(line[: line.index(word)]) for line, word in zip(lines, ("state", "pub", "held"), strict=True)})
        == 1
    )


def test_on_a_terminal_lines_fit_and_columns_give_way_in_turn():
    wide = columns(ROWS, 100, [2, 0])
    assert max(cell_len(line.plain) for line in wide) <= 100
    narrow = columns(ROWS, 40, [2, 0])
    assert max(cell_len(line.plain) for line in narrow) <= 40
    assert "published" in narrow[1].plain
    assert narrow[1].plain.endswith("happyho…")
