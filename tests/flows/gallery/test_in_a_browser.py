"""Comparing before and after in a real browser: playing in step, seeking, the slider, and what goes wrong."""

import io

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser import eventually
from tests.flows.gallery.conftest import clip_of, publish_footage, shown

BEFORE, AFTER = ("document.querySelector('[data-side=before]')", "document.querySelector('[data-side=after]')")
PLAYING = f"!{BEFORE}.paused && !{AFTER}.paused"
IN_STEP = f"Math.abs({BEFORE}.currentTime - {AFTER}.currentTime) < 0.1"


def play(page: Page, view: str = "Side by side") -> None:
    page.get_by_role("button", name="Play before and after").first.click()
    page.get_by_role("button", name=view).click()


def test_one_control_plays_before_and_after_in_step_wherever_the_page_stands(visit, gallery):
    page = visit(gallery).page
    play(page)
    eventually(page, f"{PLAYING} && {BEFORE}.currentTime > 0.5 && {IN_STEP}")
    page.get_by_role("button", name="Pause").click()
    eventually(
        page, f"{BEFORE}.paused && {AFTER}.paused && Math.abs({BEFORE}.currentTime - {AFTER}.currentTime) < 0.03"
    )
    page.get_by_role("slider", name="Position").fill("3")
    eventually(page, f"{BEFORE}.currentTime == 3 && {AFTER}.currentTime == 3")
    page.get_by_role("button", name="Play", exact=True).click()
    eventually(page, f"{PLAYING} && {BEFORE}.currentTime > 3.2 && {IN_STEP}")


def test_whoever_is_moved_takes_the_other_along(visit, one):
    page = visit(one, reduced_motion="reduce").page
    play(page)
    eventually(page, f"{BEFORE}.readyState > 1 && {AFTER}.readyState > 1")
    for moved in (BEFORE, AFTER):
        for moment in (3, 1):
            page.evaluate(f"{moved}.currentTime = {moment}")
            eventually(page, f"{BEFORE}.currentTime == {moment} && {AFTER}.currentTime == {moment}")
    expect(page.get_by_text("1.0 / 4.0 s")).to_be_visible()


@pytest.mark.parametrize("trouble", [f"{BEFORE}.pause()", f"{BEFORE}.playbackRate = 4"])
def test_what_drifts_apart_is_brought_together_again(visit, one, trouble):
    page = visit(one).page
    play(page)
    eventually(page, f"{PLAYING} && {BEFORE}.currentTime > 0.2")
    page.evaluate(trouble)
    apart = f"{AFTER}.currentTime"
    page.evaluate(f"window.then = {apart}")
    eventually(page, f"{PLAYING} && {apart} != window.then && {IN_STEP} && {BEFORE}.playbackRate < 1.6")


@pytest.mark.parametrize(
    ("result", "longer", "shorter", "rest"), [("short", BEFORE, AFTER, 2), ("long", AFTER, BEFORE, 4)]
)
def test_the_shorter_one_rests_on_its_last_frame_until_both_begin_again(
    visit, folder, footage, result, longer, shorter, rest
):
    publish_footage(folder, footage, "edited", result, video=clip_of(folder))
    page = visit(shown(folder)).page
    play(page)
    page.get_by_role("button", name="Pause").click()
    eventually(page, f"{longer}.duration > {shorter}.duration + 1")
    position = page.get_by_role("slider", name="Position")
    eventually(page, "Number(document.querySelector('.seek').max) > 3.5")
    position.fill(str(rest + 1))
    eventually(page, f"{longer}.currentTime == {rest + 1} && Math.abs({shorter}.currentTime - {rest}) < 0.1")
    page.get_by_role("button", name="Play", exact=True).click()
    eventually(page, f"{PLAYING} && {longer}.currentTime < {rest} && {IN_STEP}")


def colours(page: Page) -> tuple[str, str]:
    """What the eye sees at the left and the right of the compared pictures."""
    picture = Image.open(io.BytesIO(page.locator(".screens").screenshot())).convert("L")
    spots = [picture.getpixel((round(picture.width * part), round(picture.height * 0.7))) for part in (0.1, 0.9)]
    return tuple("black" if spot < 60 else "white" if spot > 200 else f"grey {spot}" for spot in spots)


def test_the_slider_uncovers_before_and_after_by_mouse_and_by_keyboard(visit, one):
    page = visit(one, reduced_motion="reduce").page
    play(page, "Slider")
    cut = page.get_by_role("slider", name="Where before ends and after begins")
    eventually(page, f"{BEFORE}.readyState > 1 && {AFTER}.readyState > 1")
    assert colours(page) == ("black", "white")
    box = page.locator(".screens").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.7)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.02, box["y"] + box["height"] * 0.7, steps=5)
    page.mouse.up()
    expect(cut).to_have_attribute("aria-valuetext", "2 % before, 98 % after")
    assert colours(page) == ("white", "white")
    cut.press("End")
    assert colours(page) == ("black", "black")
    cut.press("Home")
    assert colours(page) == ("white", "white")
    cut.press("PageUp")
    cut.press("ArrowRight")
    expect(cut).to_have_value("11")
    page.get_by_role("button", name="Side by side").click()
    expect(cut).to_be_hidden()
    assert colours(page) == ("black", "white")


def test_sound_is_heard_of_one_side_only(visit, one):
    page = visit(one).page
    play(page)
    for chosen, muted in (("before", [False, True]), ("off", [True, True]), ("after", [True, False])):
        page.get_by_label("Sound").select_option(chosen)
        assert page.evaluate(f"[{BEFORE}.muted, {AFTER}.muted]") == muted


def test_a_result_that_starts_stops_the_one_before(visit, folder, footage):
    for name in ("first", "second"):
        publish_footage(folder, footage, name, video=clip_of(folder))
    page = visit(shown(folder)).page
    play(page)
    eventually(page, PLAYING)
    page.get_by_role("button", name="Play before and after second").click()
    eventually(
        page,
        f"{BEFORE}.paused && {AFTER}.paused && [...document.querySelectorAll('video')].slice(2).every(v => !v.paused)",
    )


def test_nothing_moves_by_itself_for_who_asked_for_less_motion(visit, one):
    page = visit(one, reduced_motion="reduce").page
    play(page)
    eventually(page, f"{BEFORE}.readyState > 3 && {AFTER}.readyState > 3")
    assert page.evaluate(f"{BEFORE}.paused && {AFTER}.paused && !{AFTER}.loop && !{BEFORE}.loop")
    page.get_by_role("button", name="Play", exact=True).click()
    eventually(page, f"{PLAYING} && {IN_STEP}")


def test_a_result_plays_on_alone_when_its_clip_is_gone(visit, folder, footage):
    publish_footage(folder, footage, "edited", video=str(folder.local_root.parent / "clips" / "gone.mp4"))
    look = visit(shown(folder))
    look.page.get_by_role("button", name="Play before and after").click()
    expect(look.page.get_by_text("The clip itself cannot be played from here.")).to_be_visible()
    eventually(look.page, f"!{AFTER}.paused && {AFTER}.currentTime > 0.3")
    expect(look.page.get_by_role("button", name="Slider")).to_be_hidden()
    assert all("ERR_FILE_NOT_FOUND" in complaint for complaint in look.complaints)
    look.complaints.clear()


def test_putting_a_result_away_lets_go_of_its_videos(visit, one):
    page = visit(one).page
    play(page)
    eventually(page, PLAYING)
    page.get_by_role("button", name="Put away").click()
    expect(page.locator("video")).to_have_count(0)
    expect(page.get_by_role("img")).to_be_visible()
