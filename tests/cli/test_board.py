"""The live board, drawn to a terminal of 80 columns and 24 lines at every stage of a batch of 200."""

import io
import unicodedata
from decimal import Decimal

import pytest
from rich.cells import cell_len
from rich.console import Console

from flows.commands.drawing import drawn
from flows.rules.budget import Cost
from flows.running.progress import Lane, Stage, Step
from flows.running.tally import Tally

WAN = Lane("wan2.7-videoedit at dashscope", slots=7, run_seconds=100)
HORSE = Lane("happyhorse-1.0-video-edit at apiyi", slots=7, run_seconds=100)
UNPUBLISHED = Cost(amount=None, currency=None)
NAMES = ["night scene", "n" * 200, "夜の港 " * 30, "\x1b[2Jowned\x07\u202egnp\r\n[bold red]x[/]"]
WHY = "the create got no usable answer; a provider task may be running and may be billed once. " * 20


def batch(jobs: int = 200) -> Tally:
    tally = Tally()
    for number in range(jobs):
        name = f"{NAMES[number % len(NAMES)]} {number}"
        cost = Cost(amount=Decimal("7.7429"), currency="CNY") if number % 2 else UNPUBLISHED
        tally.see(Step(f"key-{number}", name, Stage.PLANNED, cost, lane=WAN if number % 2 else HORSE), 0)
    return tally


def reach(tally: Tally, number: int, *stages: Stage, now: float = 100, message: str | None = None) -> None:
    job = f"key-{number}"
    for stage in stages:
        tally.see(Step(job, tally.jobs[job].name, stage, message=message), now)


def at_its_start() -> Tally:
    return batch()


def all_waiting() -> Tally:
    tally = batch()
    for number in range(200):
        reach(tally, number, Stage.WAITING)
    return tally


def in_full_swing() -> Tally:
    tally = all_waiting()
    for number in range(60):
        reach(tally, number, Stage.CREATING, Stage.RUNNING, Stage.PERSISTING)
    for number in range(50):
        reach(tally, number, Stage.DONE, now=200)
    for number in range(50, 56):
        reach(tally, number, Stage.FAILED, message=WHY, now=200)
    for number in range(60, 74):
        reach(tally, number, Stage.CREATING, *([Stage.PENDING, Stage.RUNNING] if number % 2 else []), now=200)
    for number in range(74, 78):
        reach(tally, number, Stage.UPLOADING, now=200)
    return tally


def in_trouble() -> Tally:
    tally = all_waiting()
    for number in range(200):
        reach(tally, number, Stage.HELD, message=f"{NAMES[3]} {WHY}")
    return tally


def at_its_end() -> Tally:
    tally = in_full_swing()
    for number in range(200):
        reach(tally, number, Stage.DONE, now=900)
    return tally


STAGES = [at_its_start, all_waiting, in_full_swing, in_trouble, at_its_end]


def on_screen(tally: Tally, width: int = 80, height: int = 24) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=height, markup=False, highlight=False)
    for line in drawn(tally, 1000, width, height):
        console.print(line)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("size", [(80, 24), (60, 15), (200, 60)])
def test_the_board_fits_the_terminal_at_every_stage(stage, size):
    width, height = size
    lines = on_screen(stage(), width, height)
    assert 8 <= len(lines) < height
    assert max(cell_len(line) for line in lines) < width
    assert not any(unicodedata.category(char) in ("Cc", "Cf") for line in lines for char in line)


def test_before_the_first_create_everything_is_to_come():
    lines = on_screen(at_its_start())
    assert lines[0] == " 16:40 · 0 of 200 published · ends in about 24 min"
    assert lines[3].split() == ["planned", "waiting", "uploading", "creating", "pending", "running", "persisting"]
    assert lines[4].split() == ["200", *"······"]
    assert "nothing, done and under way" in lines[8]
    assert "unknown + about 774.29 CNY to come" in lines[9]


def test_in_full_swing_the_board_tells_counts_slots_money_jobs_and_problems():
    lines = on_screen(in_full_swing())
    said = "\n".join(lines)
    assert "50 of 200 published · 6 failed" in lines[0]
    assert lines[4].split() == ["·", "122", "4", "7", "·", "7", "4"]
    assert " slots  7 of 7 in use  wan2.7-videoedit at dashscope" in lines
    assert " slots  7 of 7 in use  happyhorse-1.0-video-edit at apiyi" in lines
    assert any(line.startswith(" night scene 60 ") and line.endswith(" creating      13:20") for line in lines)
    assert "6 problems, the latest:" in said
    assert " night scene 52: the create got no usable answer; a provider task may be run…" in lines
    assert any(line.startswith(f" {'n' * 23}…: the create got no usable answer") for line in lines)


def test_columns_stay_where_they_are_from_stage_to_stage():
    assert len({tuple(on_screen(stage())[3].split(" ")) for stage in STAGES}) == 1


def test_at_the_end_no_time_is_left():
    assert on_screen(at_its_end())[0] == " 16:40 · 200 of 200 published"
