"""The gallery: what it shows, where its links lead, and what it never lets through."""

import base64
import hashlib
import json
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from blocks.clients.store import Store
from flows.gallery import write_gallery
from flows.rules.states import JobState
from flows.telling.reports import JobReport, ReportedError
from tests.flows.gallery.samples import HOSTILE, publish, report, sidecar


class Page(HTMLParser):
    """A page as a browser takes it apart."""

    VOID = frozenset({"meta", "link", "img", "input"})

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[tuple[str, ...], str]] = []
        self._open: list[str] = []
        self.feed(store.read("gallery.html").decode())
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append((tuple(self._open), data))

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def said(self, tag: str) -> list[str]:
        return [text for path, text in self.texts if path and path[-1] == tag]

    @property
    def words(self) -> str:
        return "\n".join(text for path, text in self.texts if path[-1] not in ("script", "style"))

    @property
    def policy(self) -> dict[str, list[str]]:
        content = next(meta["content"] for meta in self.all("meta") if "http-equiv" in meta)
        return {rule.split()[0]: rule.split()[1:] for rule in content.split(";")}

    @property
    def files(self) -> list[str]:
        """Files the page loads or leads to."""
        names = ("src", "href", "data-result")
        found = [attributes[name] for _, attributes in self.elements for name in names if name in attributes]
        return [unquote(link) for link in found if not link.startswith(("#", "data:"))]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "results"))


def shown(store: Store, *stopped: JobReport) -> Page:
    write_gallery(store, stopped)
    return Page(store)


def test_a_result_is_shown_with_what_was_asked_and_what_it_cost(store):
    publish(store, sidecar(negative_prompt="people", notes=["it is mute although sound was asked for"]))
    words = shown(store).words
    for said in (
        "bunny-80e77131",
        "Turn the scene into claymation",
        "people",
        "it is mute although sound was asked for",
        "wan2.7-videoedit",
        "dashscope, ap-southeast-1",
        "7.7429 CNY",
        "about 7.7502 CNY",
        "task of bunny-80e77131",
        "4 min 57 s",
        "2026-11-21 01:40:25 UTC",
    ):
        assert said in words


@pytest.mark.parametrize("storage", ["disk", "bucket"])
@pytest.mark.parametrize("name", ["plain", "night/take one", "夜の港", "100% #1 a&b ☂", "javascript:alert(1)"])
def test_every_link_leads_to_a_file_beside_the_page(tmp_path, storage, name):
    store = Store(str(tmp_path) if storage == "disk" else f"memory:/{tmp_path}")
    publish(store, sidecar(name))
    assert write_gallery(store) == store.address("gallery.html")
    page = Page(store)
    assert {f"{name}.mp4", f"{name}.jpg", f"{name}.json"} <= set(page.files)
    assert set(page.files) <= set(store.names(""))
    assert all(":" not in link.get("href", "") for link in page.all("a"))


def test_hostile_words_are_shown_and_never_become_markup(store):
    publish(store, sidecar(notes=["a note"]))
    plain = shown(store, report("plain", JobState.HELD, ReportedError(code="x", message="x", advice="x")))
    hostile = sidecar(
        prompt=HOSTILE,
        negative_prompt=HOSTILE,
        notes=[HOSTILE],
        video=HOSTILE,
        model=HOSTILE,
        provider_task_id=HOSTILE,
        parameters={HOSTILE: HOSTILE},
        usage={HOSTILE: HOSTILE},
        reference_images=[HOSTILE, "http://[broken"],
    )
    publish(store, hostile)
    problem = ReportedError(code=HOSTILE, message=HOSTILE, advice=HOSTILE)
    page = shown(store, report(HOSTILE, JobState.HELD, problem))
    assert page.words.count(HOSTILE) > 10
    assert {tag for tag, _ in page.elements} <= {tag for tag, _ in plain.elements}
    assert len(page.all("script")) == len(page.all("style")) == 1
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert not any("style" in attributes for _, attributes in page.elements)


def test_the_page_allows_its_own_script_and_style_and_asks_nobody_else(store):
    publish(store, sidecar("one"))
    publish(store, sidecar("two", video="http://media.example:8080/a.mp4"))
    publish(store, sidecar("three", video="https://clips.example/b.mp4"))
    page = shown(store)
    for tag, rule in (("style", "style-src"), ("script", "script-src")):
        (text,) = page.said(tag)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert page.policy[rule] == [f"'sha256-{digest}'"]
    assert page.policy["default-src"] == page.policy["base-uri"] == page.policy["form-action"] == ["'none'"]
    assert page.policy["img-src"] == ["'self'", "file:", "data:"]
    assert page.policy["media-src"] == ["'self'", "file:", "http://media.example:8080", "https://clips.example"]
    assert not any("//" in file for file in page.files)
    assert all(link["href"].startswith("data:") for link in page.all("link"))


def test_nothing_but_pictures_in_view_is_loaded_before_somebody_plays(store):
    for number in range(30):
        publish(store, sidecar(f"result {number}"))
    page = shown(store)
    assert len(page.all("img")) == 30
    assert all(image["loading"] == "lazy" for image in page.all("img"))
    assert not any("src" in video for video in page.all("video"))
    assert not page.all("source") + page.all("iframe")


def test_what_is_no_sidecar_is_left_alone(store):
    publish(store, sidecar())
    for name, content in {
        "notes.json": b'{"name": "mine"}',
        "list.json": b"[1, 2]",
        "broken.json": b"{",
        "binary.json": b"\xff\xfe\x00",
        "deep.json": b"[" * 100_000,
        ".recut/journal/x/001-intent.json": sidecar("a record").model_dump_json().encode(),
        "team/.trash/old.json": sidecar("thrown away").model_dump_json().encode(),
    }.items():
        store.write(name, content)
    assert shown(store).said("h3") == ["bunny-80e77131"]


def test_the_newest_result_comes_first(store):
    for hour, name in ((9, "middle"), (8, "first"), (10, "last")):
        times = {"intent_at": "2026-11-21T01:00:00Z", "published_at": f"2026-11-21T{hour:02}:00:00+00:00"}
        publish(store, sidecar(name, timings=times))
    assert shown(store).said("h3") == ["last", "middle", "first"]


def test_an_unchanged_gallery_is_not_written_again(store):
    publish(store, sidecar())
    path = Path(write_gallery(store))
    before = path.stat()
    write_gallery(store)
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    publish(store, sidecar("another"))
    assert "another" in shown(store).words


def test_the_same_sidecars_give_the_same_page_wherever_they_lie(tmp_path):
    pages = []
    for folder, names in (("a", ("x", "y", "z")), ("b", ("z", "x", "y"))):
        store = Store(str(tmp_path / folder))
        for name in names:
            publish(store, sidecar(name))
        write_gallery(store)
        pages.append(store.read("gallery.html"))
    assert pages[0] == pages[1]


def test_an_empty_folder_has_a_gallery_that_says_so(store):
    assert "No results yet" in shown(store).words


def test_stopped_jobs_are_shown_with_reason_and_advice(store):
    publish(store, sidecar())
    held = ReportedError(code="OutcomeUnknown", message="it may be billed once", advice="decide with recut resolve")
    failed = ReportedError(code="Refused", message="nothing is billed", advice="change the prompt")
    page = shown(
        store,
        report("unsure", JobState.HELD, held),
        report("bad", JobState.FAILED, failed),
        report("fine", JobState.PUBLISHED),
    )
    assert page.said("h3") == ["unsure", "bad", "bunny-80e77131"]
    assert [job["data-state"] for job in page.all("article")] == ["held", "failed", "published"]
    for said in (held.message, held.advice, failed.message, failed.advice, "OutcomeUnknown"):
        assert said in page.words


@pytest.mark.parametrize(
    ("state", "code", "said"),
    [
        (
            JobState.HELD,
            "OutcomeUnknown",
            [f"recut resolve abababab {decision}" for decision in ("--adopt ID", "--recreate", "--abandon")],
        ),
        (JobState.HELD, "OverBudget", ["recut resolve abababab --abandon"]),
        (JobState.HELD, "NotRecorded", []),
        (JobState.RUNNING, "RunsOn", ["recut sweep"]),
        (JobState.FAILED, "Refused", []),
    ],
)
def test_only_commands_that_help_are_proposed_and_they_find_the_results(tmp_path, state, code, said):
    store = Store(str(tmp_path / "night shots"))
    page = shown(store, report("stuck", state, ReportedError(code=code, message="why", advice="what")))
    assert page.said("code") == [f"{command} --results '{tmp_path}/night shots'" for command in said]


def test_a_job_is_no_longer_stopped_once_its_result_is_there(store):
    made = sidecar()
    gone = report(made.name, JobState.FAILED, job_key=made.job_key)
    publish(store, made, parts=(".jpg",))
    page = shown(store, gone)
    assert page.said("h3") == [made.name, made.name]
    assert "The video file is no longer here" in page.words
    publish(store, made)
    assert shown(store, gone).said("h3") == [made.name]


def test_a_result_without_contact_sheet_is_shown_without_picture(store):
    publish(store, sidecar(), parts=(".mp4",))
    page = shown(store)
    assert not page.all("img")
    assert "bunny-80e77131.mp4" in page.files


def test_a_copy_of_a_result_is_linked_by_its_own_name_and_not_paid_again(store):
    publish(store, sidecar())
    publish(store, sidecar(), under="bunny-2")
    page = shown(store)
    assert sorted(page.said("h3")) == ["bunny-2", "bunny-80e77131"]
    assert "bunny-2.mp4" in page.files
    assert totals(page) == {"Results": "2", "Video made": "10.5 s", "Paid": "7.7429 CNY"}


def totals(page: Page) -> dict[str, str]:
    said = [text for path, text in page.texts if "header" in path and "article" not in path and "dl" in path]
    return dict(zip(said[::2], said[1::2], strict=True))


def test_totals_are_kept_apart_by_currency_and_unknown_is_not_zero(store):
    dollars = {"amount": 1.5, "currency": "USD", "estimated": True}
    publish(store, sidecar("a"))
    publish(store, sidecar("b"))
    publish(store, sidecar("c", cost=None, estimate=dollars))
    assert totals(shown(store))["Paid in CNY"] == "15.4858 CNY"
    assert totals(shown(store))["Paid in USD"] == "about 1.5 USD"
    publish(store, sidecar("d", cost=None, estimate=dollars | {"amount": None}))
    assert totals(shown(store))["Paid in USD"] == "unknown"


def test_results_can_be_chosen_by_model_provider_and_state(store):
    publish(store, sidecar("a"))
    publish(store, sidecar("b", model="happyhorse-1.0-video-edit", provider="apiyi"))
    page = shown(store, report("c", JobState.HELD))
    assert [select["data-choice"] for select in page.all("select") if "data-choice" in select] == [
        "state",
        "model",
        "provider",
    ]
    offered = {"held", "published", "happyhorse-1.0-video-edit", "wan2.7-videoedit", "apiyi", "dashscope"}
    assert set(page.said("option")) >= offered | {"All"}
    for job in page.all("article"):
        assert {job["data-state"], job["data-model"], job["data-provider"]} <= offered


def test_every_control_and_picture_has_a_name(store):
    publish(store, sidecar())
    page = shown(store)
    assert all(image["alt"] for image in page.all("img"))
    assert page.all("html") == [{"lang": "en"}]
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in page.elements:
        assert {attributes[name] for name in ("aria-labelledby", "aria-controls") if name in attributes} <= set(ids)
    for path, text in page.texts:
        assert text.strip() not in ("Search", "State", "Model", "Provider") or path[-1] in ("label", "dt")


def test_a_clip_that_can_be_played_is_offered_beside_its_result(store, tmp_path):
    publish(store, sidecar("near", video=str(tmp_path / "clips" / "a.mp4")))
    publish(store, sidecar("far", video="oss://somewhere/a.mp4"))
    plays = [button for button in shown(store).all("button") if "data-result" in button]
    assert {button["data-result"]: button.get("data-original") for button in plays} == {
        "near.mp4": "../clips/a.mp4",
        "far.mp4": None,
    }


def test_a_secret_in_an_address_is_not_passed_on(store):
    publish(
        store,
        sidecar(video="https://me:hunter2@a.example/x.mp4?token=hunter3", reference_images=["s3://k:hunter4@b/i"]),
    )
    write_gallery(store)
    assert b"hunter" not in store.read("gallery.html")


def test_words_that_json_can_hold_and_text_cannot_do_no_harm(store):
    publish(store, sidecar())
    content = json.loads(store.read("bunny-80e77131.json")) | {"prompt": "\ud800 half a letter"}
    store.write("strange.json", json.dumps(content).encode())
    page = shown(store, report("\udcff.mp4", JobState.FAILED))
    assert page.said("h3") == ["?.mp4", "bunny-80e77131"]
