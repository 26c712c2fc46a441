"""A batch of every kind of job: what is sent, what is published, what is said; and the same command again."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import pytest

from deployments.emulator import Emulator
from deployments.emulator.audit import AuditEntry
from tests.cli.conftest import At
from tests.cli.recut import Done, Recut
from tests.cli.shelf import Shelf
from tests.conftest import KEY

WAN, HORSE = "wan2.7-videoedit", "happyhorse-1.0-video-edit"

#: What the providers' pages give as defaults, all of which are sent; only the watermark is recut's own choice.
DEFAULTS: dict[tuple[str, str], dict[str, Any]] = {
    ("dashscope", WAN): {
        "resolution": "1080P",
        "duration": 0,
        "audio_setting": "auto",
        "prompt_extend": True,
        "watermark": False,
    },
    ("dashscope", HORSE): {"resolution": "1080P", "audio_setting": "auto", "watermark": False},
    ("apiyi", WAN): {"resolution": "720P", "prompt_extend": True, "watermark": False},
    ("apiyi", HORSE): {"resolution": "720P", "prompt_extend": True, "watermark": False},
}
PARAMETERS = ("resolution", "ratio", "duration", "audio_setting", "prompt_extend", "watermark", "seed")
SMALL = {"resolution": "720P"}

#: Twenty jobs; media by their names on the shelf, those of `apiyi` by their web addresses.
JOBS: list[dict[str, Any]] = [
    {"provider": provider, "model": model, "name": f"{provider}/{model[:3]}/{number}", **job}
    for (provider, model), jobs in {
        ("dashscope", WAN): [
            {"video": "clip.mp4", "prompt": "Turn it into claymation"},
            {"video": "clip.mp4", "prompt": "Turn it into claymation", "take": 2, **SMALL},
            {"video": "upright.mov", "prompt": "Draw it in pencil", "ratio": "1:1", "duration": 2, "seed": 7, **SMALL},
            {"video": "web:clip.mp4", "prompt": "", "negative_prompt": "rain, snow", "watermark": True, **SMALL},
            {
                "video": "clip.mp4",
                "prompt": "Put on the coat, the hat and the bag",
                "reference_images": ["coat.png", "hat.jpg", "web:bag.webp"],
                "audio_setting": "origin",
                "prompt_extend": False,
                **SMALL,
            },
        ],
        ("dashscope", HORSE): [
            {"video": "clip.mp4", "prompt": "把外套换成红色"},
            {"video": "upright.mov", "prompt": "Make it night", "audio_setting": "origin", **SMALL},
            {"video": "web:clip.mp4", "prompt": "A warm sunset", "watermark": True, "seed": 2147483647, **SMALL},
            {"video": "clip.mp4", "prompt": "Put on the hat", "reference_images": ["hat.jpg"], **SMALL},
            {"video": "clip.mp4", "prompt": "Five hats", "reference_images": ["coat.png", "hat.jpg"] * 2, **SMALL},
        ],
        ("apiyi", WAN): [
            {"video": "clip.mp4", "prompt": "A flat cartoon", "reference_images": ["coat.png"]},
            {"video": "clip.mp4", "prompt": "Cut it", "reference_images": ["coat.png"], "duration": 2, "seed": 0},
            {"video": "clip.mp4", "prompt": "Tall", "reference_images": ["coat.png"], "ratio": "9:16"},
            {"video": "upright.mov", "prompt": "Sharp", "reference_images": ["hat.jpg"], "resolution": "1080P"},
            {
                "video": "clip.mp4",
                "prompt": "Keep the sound",
                "negative_prompt": "blur",
                "reference_images": ["coat.png", "hat.jpg", "bag.webp", "coat.png", "hat.jpg"],
                "audio_setting": "origin",
                "prompt_extend": False,
                "watermark": True,
            },
        ],
        ("apiyi", HORSE): [
            {"video": "clip.mp4", "prompt": "Make it night", "reference_images": ["coat.png"]},
            {"video": "clip.mp4", "prompt": "A pencil sketch", "reference_images": ["coat.png"], "take": 3},
            {"video": "clip.mp4", "prompt": "Sharper", "reference_images": ["hat.jpg"], "resolution": "1080P"},
            {"video": "upright.mov", "prompt": "Marked", "reference_images": ["bag.webp"], "watermark": True},
            {
                "video": "clip.mp4",
                "prompt": "As it is said",
                "reference_images": ["coat.png", "hat.jpg"],
                "prompt_extend": False,
                "seed": 11,
            },
        ],
    }.items()
    for number, job in enumerate(jobs, start=1)
]


@dataclass(frozen=True)
class Ran:
    """What a batch left behind, and the provider's books."""

    recut: Recut
    done: Done
    books: list[AuditEntry]
    policies: int

    def body(self, name: str) -> dict[str, Any]:
        """The body of the one create of a job."""
        provider_task_id = next(job["provider_task_id"] for job in self.done.json["jobs"] if job["name"] == name)
        return json.loads(next(entry.body for entry in self.books if entry.provider_task_id == provider_task_id))


@pytest.fixture(scope="module")
def ran(at: At, shelf: Shelf, _running_emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    recut = at(tmp_path_factory.mktemp("batch"))

    def place(name: str, provider: str) -> str:
        on_the_web = provider == "apiyi" or name.startswith("web:")
        return shelf.web(name.removeprefix("web:")) if on_the_web else shelf.file(name)

    rows = [
        {
            **job,
            "video": place(job["video"], job["provider"]),
            "reference_images": [place(name, job["provider"]) for name in job.get("reference_images", [])],
        }
        for job in JOBS
    ]
    _running_emulator.reset()
    done = recut("batch", recut.write("jobs.jsonl", rows), "--json")
    policies = _running_emulator.counters().operations["dashscope policy"].received
    return Ran(recut, done, _running_emulator.audit(), policies)


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job["name"])
def test_a_create_says_exactly_what_was_asked_and_every_documented_default(ran: Ran, job: dict[str, Any]) -> None:
    body = ran.body(job["name"])
    media = body["input"].pop("media")
    assert body == {
        "model": job["model"],
        "input": {name: job[name] for name in ("prompt", "negative_prompt") if job.get(name)},
        "parameters": DEFAULTS[job["provider"], job["model"]] | {k: v for k, v in job.items() if k in PARAMETERS},
    }
    images = job.get("reference_images", [])
    assert [medium["type"] for medium in media] == ["video", *["reference_image"] * len(images)]
    for medium, name in zip(media, [job["video"], *images], strict=True):
        assert medium.keys() == {"type", "url"}
        is_local = job["provider"] == "dashscope" and not name.startswith("web:")
        assert medium["url"].startswith("oss://" if is_local else "http://")
        assert is_local or medium["url"].endswith(f"/{name.removeprefix('web:')}")


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job["name"])
def test_a_result_is_a_playable_video_with_sidecar_and_contact_sheet(ran: Ran, job: dict[str, Any]) -> None:
    result = ran.recut.results / f"{job['name']}.mp4"
    with av.open(result) as video:
        assert next(video.decode(video=0)).width >= 720
    sidecar = json.loads(result.with_suffix(".json").read_text())
    assert sidecar["name"] == job["name"]
    assert sidecar["result"]["size_bytes"] == result.stat().st_size
    assert result.with_suffix(".jpg").stat().st_size > 0


def test_each_of_twenty_jobs_is_created_once_and_published(ran: Ran) -> None:
    assert ran.done.code == 0
    assert len(ran.books) == len(JOBS) == 20
    assert {entry.status for entry in ran.books} == {"SUCCEEDED"}


def test_the_results_folder_holds_what_was_asked_for_and_nothing_else(ran: Ran) -> None:
    found = {path.relative_to(ran.recut.results) for path in ran.recut.results.rglob("*.*") if path.is_file()}
    made = {path for path in found if path.parts[0] != ".recut"} - {Path("gallery.html")}
    assert made == {Path(f"{job['name']}.{ending}") for job in JOBS for ending in ("mp4", "json", "jpg")}


def test_equal_files_go_up_once_for_each_model(ran: Ran) -> None:
    wan, horse = {"clip.mp4", "upright.mov", "coat.png", "hat.jpg"}, {"clip.mp4", "upright.mov", "hat.jpg", "coat.png"}
    assert ran.policies == len(wan) + len(horse)


def test_the_report_has_the_agreed_shape(ran: Ran) -> None:
    report = ran.done.json
    assert report.keys() == {"jobs", "succeeded", "failed", "held", "created", "cost"}
    assert (report["succeeded"], report["failed"], report["held"], report["created"]) == (20, 0, 0, 20)
    assert [job["name"] for job in report["jobs"]] == [job["name"] for job in JOBS]
    for job, entry in zip(report["jobs"], JOBS, strict=True):
        assert job.keys() == {
            "name",
            "job_key",
            "state",
            "provider",
            "model",
            "provider_task_id",
            "result",
            "sidecar",
            "cost",
            "error",
            "created",
            "notes",
            "seconds",
        }
        assert (job["state"], job["error"], job["created"]) == ("published", None, True)
        assert (job["provider"], job["model"]) == (entry["provider"], entry["model"])
        assert job["result"] == str(ran.recut.results / f"{entry['name']}.mp4")
        assert job["sidecar"] == str(ran.recut.results / f"{entry['name']}.json")
        assert job["cost"].keys() == {"amount", "currency", "estimated"}


def test_dashscope_costs_are_those_of_the_providers_books(ran: Ran) -> None:
    bills = {entry.provider_task_id: entry for entry in ran.books if entry.provider == "dashscope"}
    reported = {job["provider_task_id"]: job["cost"] for job in ran.done.json["jobs"] if job["provider"] == "dashscope"}
    assert reported.keys() == bills.keys()
    for provider_task_id, cost in reported.items():
        assert cost["amount"] == pytest.approx(bills[provider_task_id].cost, abs=0.0001)
        assert (cost["currency"], cost["estimated"]) == ("CNY", False)


def test_sums_are_told_by_currency(ran: Ran) -> None:
    cost = ran.done.json["cost"]
    assert (cost["amount"], cost["currency"]) == (None, None)
    assert {each["currency"] for each in cost["by_currency"]} == {"CNY", "USD"}


def test_the_key_is_written_nowhere(ran: Ran, home: Path) -> None:
    places = [ran.recut.folder, home]
    assert not [path for place in places for path in _files(place) if KEY.encode() in path.read_bytes()]


def test_the_same_command_again_creates_nothing_and_says_so(ran: Ran, emulator: Emulator) -> None:
    done = ran.recut("batch", "jobs.jsonl")
    assert done.code == 0
    assert "20 of 20 published; nothing was created in this run; cost" in done.out
    assert set(emulator.counters().operations) == {"dashscope limits"}


@pytest.mark.parametrize(
    ("name", "manifest"),
    [
        (
            "jobs.csv",
            "\ufeffvideo,prompt,reference_images,prompt_extend,seed,name\n"
            '{folder}/clip.mp4,"Say ""cheese"", and\nsmile",{folder}/coat.png | {folder}/hat.jpg,no,7,one\n'
            "\n"
            "{folder}/clip.mp4,,,,,two\n",
        ),
        (
            "jobs.yaml",
            "defaults:\n  video: {folder}/clip.mp4\n  prompt_extend: no\njobs:\n"
            '  - name: one\n    prompt: "Say \\"cheese\\", and\\nsmile"\n    seed: 7\n'
            "    reference_images: [{folder}/coat.png, {folder}/hat.jpg]\n"
            "  - name: two\n    prompt_extend: yes\n",
        ),
        (
            "jobs.json",
            '[{{"video": "{folder}/clip.mp4", "prompt": "Say \\"cheese\\", and\\nsmile", "prompt_extend": false,'
            ' "seed": 7, "reference_images": ["{folder}/coat.png", "{folder}/hat.jpg"], "name": "one"}},'
            ' {{"video": "{folder}/clip.mp4", "name": "two"}}]',
        ),
    ],
)
def test_the_same_jobs_can_be_listed_in_any_format(
    recut: Recut, emulator: Emulator, shelf: Shelf, name: str, manifest: str
) -> None:
    done = recut("batch", recut.write(name, manifest.format(folder=shelf.folder)), "--json")
    assert done.code == 0, done.err
    assert (recut.results / "one.mp4").is_file()
    assert (recut.results / "two.mp4").is_file()
    one, two = sorted((json.loads(entry.body) for entry in emulator.audit()), key=lambda body: -len(str(body)))
    assert one["input"]["prompt"] == 'Say "cheese", and\nsmile'
    assert (len(one["input"]["media"]), one["parameters"]["prompt_extend"], one["parameters"]["seed"]) == (3, False, 7)
    assert ("prompt" in two["input"], two["parameters"]["prompt_extend"], len(two["input"]["media"])) == (
        False,
        True,
        1,
    )


def _files(place: Path) -> list[Path]:
    return [path for path in place.rglob("*") if path.is_file()]
