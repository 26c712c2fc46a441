"""The picture of who held which slot when."""

import io

import pytest
from PIL import Image

from flows.running.progress import Lane, Stage
from flows.running.tally import SlotUse
from flows.telling.timeline import drawn_timeline

LANE = Lane("wan2.7-videoedit at dashscope", slots=7, run_seconds=100)
AMBER, RED, BLUE = (255, 176, 84), (226, 92, 92), (92, 176, 226)


def uses(jobs: int, slots: int = 7, end: Stage | None = Stage.DONE) -> list[SlotUse]:
    """Jobs of a minute each, one after the other in each slot."""
    return [
        SlotUse(LANE, number % slots + 1, f"key-{number}", f"job {number}", begin, begin + 60 if end else None, end)
        for number in range(jobs)
        for begin in [60.0 * (number // slots)]
    ]


def picture(held: list[SlotUse], now: float) -> Image.Image:
    return Image.open(io.BytesIO(drawn_timeline(held, now))).convert("RGB")


def share_of(image: Image.Image, colour: tuple[int, int, int]) -> float:
    counted = {shade: count for count, shade in image.getcolors(1 << 24)}
    return sum(count for shade, count in counted.items() if _near(shade, colour)) / (image.width * image.height)


def _near(one: tuple[int, int, int], other: tuple[int, int, int]) -> bool:
    return all(abs(a - b) < 12 for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(("jobs", "slots"), [(1, 7), (60, 7), (1000, 7), (1000, 500)])
def test_any_batch_makes_a_picture_that_a_page_can_hold(jobs, slots):
    content = drawn_timeline(uses(jobs, slots), 600)
    image = Image.open(io.BytesIO(content))
    assert image.width == 1100
    assert image.height < 4000
    assert len(content) < 200_000


def test_a_bar_tells_how_its_job_ended():
    assert share_of(picture(uses(7), 60), AMBER) > 0.4
    failed = picture(uses(7, end=Stage.FAILED), 60)
    assert (share_of(failed, RED) > 0.4, share_of(failed, AMBER)) == (True, 0)
    assert share_of(picture(uses(7, end=None), 60), BLUE) > 0.4


def test_a_slot_nobody_used_stays_empty():
    full, half = picture(uses(7), 60), picture(uses(7), 120)
    assert share_of(half, AMBER) < 0.6 * share_of(full, AMBER)


def test_names_in_any_script_and_of_any_length_are_drawn():
    held = [SlotUse(LANE, 1, "k", "\x1b[2J\u202e夜の港" * 400, 0, 5, Stage.HELD)]
    assert picture(held, 10).width == 1100
