"""Choosing, reading and moving about in a real browser: filters, search, keyboard, accessibility, a thousand jobs."""

import os
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from blocks.clients.store import Store
from flows.rules.states import JobState
from flows.telling.reports import ReportedError
from tests.browser import eventually
from tests.flows.gallery.conftest import clip_of, publish_footage, shown
from tests.flows.gallery.samples import HOSTILE, report, sidecar

UNSURE = ReportedError(code="OutcomeUnknown", message="it may be billed once", advice="decide with recut resolve")
BAD = ReportedError(code="Refused", message="nothing is billed", advice="change the prompt")


@pytest.fixture
def many(folder, footage) -> str:
    """Two results, one dear and one cheap, in two currencies, and two jobs without a result."""
    publish_footage(folder, footage, "harbour", video=clip_of(folder), notes=["it is black from 0.0 s to 2.0 s"])
    cheap = {"amount": 0.5, "currency": "USD", "estimated": False}
    publish_footage(folder, footage, "meadow", model="happyhorse-1.0-video-edit", provider="apiyi", cost=cheap)
    return shown(folder, report("lost", JobState.HELD, UNSURE), report("bad", JobState.FAILED, BAD))


def names(page: Page) -> list[str]:
    return sorted(page.get_by_role("article").get_by_role("heading", level=3).all_text_contents())


def test_each_filter_leaves_what_fits_and_says_how_much(visit, many):
    page = visit(many).page
    everything = ["bad", "harbour", "lost", "meadow"]
    assert names(page) == everything
    for label, choice, left in (
        ("State", "held", ["lost"]),
        ("State", "published", ["harbour", "meadow"]),
        ("Model", "wan2.7-videoedit", ["harbour"]),
        ("Provider", "apiyi", ["bad", "lost", "meadow"]),
    ):
        page.get_by_role("combobox", name=label, exact=True).select_option(choice)
        assert names(page) == left
        expect(page.get_by_role("status")).to_have_text(f"{len(left)} of 4")
        page.get_by_role("button", name="Show all").click()
        assert names(page) == everything


def test_a_cost_range_holds_for_one_currency(visit, many):
    page = visit(many).page
    page.get_by_label("Cost from").fill("5")
    assert names(page) == ["bad", "harbour", "lost"]
    page.get_by_label("Cost to").fill("8")
    assert names(page) == ["harbour"]
    page.get_by_label("Currency of the cost").select_option("USD")
    assert names(page) == []
    expect(page.get_by_text("Nothing here fits what you asked for.")).to_be_visible()
    page.get_by_label("Cost from").fill("0.1")
    assert names(page) == ["meadow"]


def test_search_looks_at_names_prompts_notes_reasons_and_ids(visit, many):
    page = visit(many).page
    for words, left in (
        ("HARB", ["harbour"]),
        ("black harbour", ["harbour"]),
        ("billed once", ["lost"]),
        ("task of meadow", ["meadow"]),
        ("nowhere", []),
    ):
        page.get_by_role("searchbox").fill(words)
        assert names(page) == left


def test_a_job_without_a_result_comes_with_its_reason_and_the_commands_that_settle_it(visit, many, folder):
    page = visit(many).page
    lost = page.get_by_role("article", name="lost")
    for said in (UNSURE.message, UNSURE.advice):
        expect(lost.get_by_text(said)).to_be_visible()
    assert lost.get_by_role("code").all_text_contents() == [
        f"recut resolve abababab {decision} --results {folder.local_root}"
        for decision in ("--adopt ID", "--recreate", "--abandon")
    ]
    expect(page.get_by_role("article", name="bad").get_by_role("code")).to_have_count(0)


def focused(page: Page) -> str:
    """What a screen reader says where the keyboard is."""
    own = "e.getAttribute('aria-label') || e.querySelector('img')?.alt"
    return page.evaluate(f"(e => {own} || (e.labels?.[0]?.firstChild ?? e).textContent.trim())(document.activeElement)")


def test_everything_can_be_done_with_the_keyboard(visit, one):
    page = visit(one).page
    walk = []
    while not walk or not walk[-1].startswith("Play"):
        page.keyboard.press("Tab")
        walk.append(focused(page))
    assert walk == [
        "Skip to the results",
        "Search",
        "State",
        "Model",
        "Provider",
        "Cost from",
        "Cost to",
        "Contact sheet of edited: frames of the clip, and of the result at the same moments",
        "Play before and after edited",
    ]
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Pause")).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    assert focused(page) == "Position"
    eventually(page, "document.activeElement.max > 3.9")  # known once the videos have said how long they are
    page.keyboard.press("End")
    eventually(page, "[...document.querySelectorAll('video')].every(video => video.currentTime > 3.9)")
    walk = []
    while not walk or walk[-1] != "Slider":
        page.keyboard.press("Tab")
        walk.append(focused(page))
    assert walk == ["Sound", "Side by side", "Slider"]
    page.keyboard.press("Enter")
    expect(page.get_by_role("slider", name="Where before ends and after begins")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Play before and after edited")).to_be_focused()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("nothing/like it")
    expect(page.get_by_role("searchbox")).to_have_value("nothing/like it")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_no_accessibility_rule_is_broken(visit, many, scheme, width):
    page = visit(many, color_scheme=scheme, viewport={"width": width, "height": 900}, reduced_motion="reduce").page
    for details in page.locator("summary").all():
        details.click()
    assert_accessible(page)
    page.get_by_role("button", name="Play before and after harbour").click()
    for view in ("Side by side", "Slider"):
        page.get_by_role("button", name=view).click()
        assert_accessible(page)
    page.get_by_role("searchbox").fill("nowhere")
    assert_accessible(page)


def assert_accessible(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("width", [320, 1280])
def test_hostile_and_endless_words_neither_act_nor_break_the_page(visit, folder, footage, width):
    sideways, endless = "\N{RIGHT-TO-LEFT OVERRIDE}gpj.exe \x1b[31m", "W" * 3000
    for number, text in enumerate((HOSTILE, sideways, endless)):
        publish_footage(
            folder, footage, f"job {number}", prompt=text, notes=[text], parameters={text: text}, model=text
        )
    problem = ReportedError(code=HOSTILE, message=endless, advice=sideways)
    page = visit(
        shown(folder, report(HOSTILE + endless, JobState.HELD, problem)), viewport={"width": width, "height": 900}
    ).page
    for details in page.locator("summary").all():
        details.click()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.get_by_role("article").get_by_text(HOSTILE).count() > 3
    assert page.evaluate("document.scripts.length") == 1


def test_without_scripts_the_results_and_reasons_are_still_there(visit, many):
    page = visit(many, java_script_enabled=False).page
    assert len(names(page)) == 4
    expect(page.get_by_role("link", name="Video of harbour")).to_be_visible()
    expect(page.get_by_role("searchbox")).to_be_hidden()
    expect(page.get_by_role("button")).to_have_count(0)


@pytest.mark.parametrize("width", [390, 1280])
def test_a_thousand_jobs_open_with_a_handful_of_pictures_and_no_video(visit, tmp_path, footage, width):
    results = tmp_path / "results"
    results.mkdir()
    for number in range(1000):
        _publish_linked(results, footage, f"result-{number:03}")
    look = visit(shown(Store(str(results))), viewport={"width": width, "height": 900})
    expect(look.page.get_by_role("status")).to_have_text("1000 shown")
    look.page.wait_for_load_state("networkidle")
    assert 0 < len(look.media(".jpg")) < 20
    assert look.media(".mp4") == []
    look.page.get_by_role("searchbox").fill("result-777")
    expect(look.page.get_by_role("status")).to_have_text("1 of 1000")
    expect(look.page.get_by_role("article", name="result-777")).to_be_visible()
    look.page.get_by_role("button", name="Play", exact=False).click()
    eventually(look.page, "document.querySelector('[data-side=after]').currentTime > 0.2")
    assert {url.rsplit("/")[-1] for url in look.media(".mp4")} == {"result-777.mp4"}


def _publish_linked(results: Path, footage: Path, name: str) -> None:
    os.link(footage / "result.mp4", results / f"{name}.mp4")
    os.link(footage / "sheet.jpg", results / f"{name}.jpg")
    (results / f"{name}.json").write_text(sidecar(name, video="oss://elsewhere/clip.mp4").model_dump_json())
