"""Plans from real files and a real web server: a key and a price, or every problem at once."""

import asyncio
import json
import uuid
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import fsspec
import pytest

from flows.planning.market import Market
from flows.planning.plan import PlannedJob, plan_job, plan_rows, rows_of
from flows.rules.budget import Cost
from flows.rules.catalog import BEIJING, GATEWAY, SINGAPORE, TOKYO, Catalog
from flows.rules.job import HAPPYHORSE, WAN, EditJob, Provider
from flows.rules.manifest import ManifestError
from tests.clips import cut_off, make_clip, make_image
from tests.recorder import Reply

MARKET = Market(
    regions={Provider.DASHSCOPE: SINGAPORE, Provider.APIYI: GATEWAY},
    default_provider=Provider.DASHSCOPE,
    catalog=Catalog(),
)
ALL_LOCAL = replace(MARKET, on_this_machine=frozenset(Provider))


def plan(market: Market = MARKET, **fields: Any) -> PlannedJob:
    fields = {name: str(value) if isinstance(value, Path) else value for name, value in fields.items()}
    return plan_job(EditJob.model_validate({"prompt": "make it clay", **fields}), market)


def problems(planned: PlannedJob) -> dict[str, str]:
    assert planned.job_key is None
    return {problem.field: str(problem) for problem in planned.problems}


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return make_clip(tmp_path_factory.mktemp("plan") / "A walk.mp4", seconds=5, audio=False)


@pytest.fixture
def manifest(tmp_path):
    def write(name: str, content: str | bytes) -> str:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


def test_a_good_job_has_key_name_price_and_every_parameter(clip, media):
    planned = plan(video=clip, reference_images=[str(media.picture)], resolution="720P")
    assert planned.ok
    assert planned.job_key is not None
    assert planned.name == f"A walk-{planned.job_key[:8]}"
    assert (planned.provider, planned.model, planned.region) == (Provider.DASHSCOPE, WAN, SINGAPORE)
    assert planned.parameters == {
        "audio_setting": "auto",
        "duration": 0,
        "prompt_extend": True,
        "resolution": "720P",
        "watermark": False,
    }
    assert set(planned.media) == {str(clip), str(media.picture)}
    assert (planned.clip_seconds, planned.clip_has_sound) == (5, False)
    assert planned.cost == Cost(amount=Decimal("7.3392"), currency="CNY")


def test_the_key_follows_the_content_and_not_where_it_is_or_what_it_is_called(clip, tmp_path):
    copy = tmp_path / "other name.mp4"
    copy.write_bytes(clip.read_bytes())
    first, second = plan(video=clip, name="first"), plan(video=copy, name="second", provider="dashscope", model=WAN)
    assert first.job_key == second.job_key
    assert (first.name, second.name) == ("first", "second")
    assert plan(video=clip, take=2).job_key != first.job_key
    assert plan(video=make_clip(tmp_path / "c.mp4", seconds=5, width=320, height=320)).job_key != first.job_key


def test_the_key_does_not_follow_the_region(clip):
    beijing = replace(MARKET, regions={**MARKET.regions, Provider.DASHSCOPE: BEIJING})
    assert plan(video=clip).job_key == plan(beijing, video=clip).job_key


def test_a_link_signed_anew_is_the_same_job(recorder, clip):
    recorder.serve(clip.read_bytes(), ETag='"9a0364b9e99bb480dd25e1f0284c8555"')
    first = plan(ALL_LOCAL, video=f"{recorder.url}/a.mp4?Signature=1")
    second = plan(ALL_LOCAL, video=f"{recorder.url}/a.mp4?Signature=2")
    assert first.ok
    assert first.job_key == second.job_key


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("clip.final", "clip.final"),
        ("Ünï 日本 (1)", "Ünï 日本 (1)"),
        ("a:b*c?", "a_b_c_"),
        ("..hidden. ", "hidden"),
        ("...", "clip"),
        ("日" * 60, "日" * 33),
    ],
)
def test_a_result_without_name_is_called_after_its_clip(clip, tmp_path, stem, name):
    path = tmp_path / f"{stem}.mp4"
    path.symlink_to(clip)
    assert plan(video=path).name.rpartition("-")[0] == name


def test_an_escaped_web_address_gives_a_readable_name(media, recorder):
    recorder.serve(media.clip.read_bytes())
    assert plan(ALL_LOCAL, video=f"{recorder.url}/folder/a%20w%C3%A4lk.mp4?x=1").name.startswith("a wälk-")


def test_all_problems_of_a_job_are_told_at_once(tmp_path, clip):
    short = make_clip(tmp_path / "short.mp4", seconds=1, width=160, height=120)
    text = tmp_path / "text.png"
    text.write_text("hello")
    found = plan(
        video=short,
        prompt="x" * 5_001,
        seed=-1,
        reference_images=[str(tmp_path / "missing.png"), str(text), str(clip), "ftp://host/hat.png"],
    )
    told = problems(found)
    assert [problem.field for problem in found.problems if problem.field == "video"] == ["video"] * 2
    assert set(told) == {
        "video",
        "prompt",
        "seed",
        "reference_images",
        *(f"reference_images[{n}]" for n in (1, 2, 3, 4)),
    }
    assert "does not exist" in told["reference_images[1]"]
    assert "text" in told["reference_images[2]"]
    assert "video" in told["reference_images[3]"]
    assert "ftp:// is not supported" in told["reference_images[4]"]
    assert not found.ok


def test_a_clip_that_is_cut_off_or_a_picture_is_refused(tmp_path):
    broken = cut_off(make_clip(tmp_path / "broken.mp4", seconds=3))
    assert "give a playable MP4 or MOV" in problems(plan(video=broken))["video"]
    picture = make_image(tmp_path / "picture.png")
    assert "picture" in problems(plan(video=picture))["video"]


def test_limits_are_those_of_the_model_asked_for(clip, tmp_path):
    wide = make_clip(tmp_path / "wide.mp4", seconds=5, width=1280, height=400)
    assert plan(video=wide).ok
    assert "2.5:1" in problems(plan(video=wide, model=HAPPYHORSE))["video"]
    assert plan(video=clip, model=HAPPYHORSE).ok


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"model": "wan2.1"}, "no video-edit model 'wan2.1'"),
        ({"model": WAN, "provider": "dashscope"}, f"{WAN} is not offered in {TOKYO}"),
    ],
)
def test_a_model_that_is_not_offered_there_is_the_problem(clip, fields, text):
    tokyo = replace(MARKET, regions={**MARKET.regions, Provider.DASHSCOPE: TOKYO})
    assert text in problems(plan(tokyo, video=clip, **fields))["model"]


def test_where_no_price_is_published_the_cost_is_unknown(clip):
    tokyo = replace(MARKET, regions={**MARKET.regions, Provider.DASHSCOPE: TOKYO})
    planned = plan(tokyo, video=clip, model=HAPPYHORSE)
    assert planned.ok
    assert planned.cost == Cost(amount=None, currency=None)


def test_apiyi_takes_no_local_files(clip, media):
    told = problems(plan(video=clip, reference_images=[str(media.picture)], provider="apiyi"))
    assert set(told) == {"video", "reference_images[1]"}
    assert all("takes no uploads" in text and "dashscope" in text for text in told.values())


def test_an_address_only_this_network_knows_is_refused_unless_the_provider_is_on_this_machine(media):
    fields = {"video": f"{media.clip_url}?Signature=secret", "reference_images": [media.picture_url]}
    for provider in Provider:
        told = problems(plan(provider=provider, **fields))
        assert all("private address the provider cannot reach" in text for text in told.values())
        assert "secret" not in str(told)
        assert plan(ALL_LOCAL, provider=provider, **fields).ok


def test_a_link_only_the_provider_can_open_is_taken_when_the_team_says_so(recorder, media):
    recorder.reply = lambda _: Reply(status=403)
    address = f"{recorder.url}/clip.mp4?Signature=secret"
    told = problems(plan(ALL_LOCAL, video=address))["video"]
    assert "403" in told
    assert "--unprobed" in told
    assert "secret" not in told
    planned = plan(replace(ALL_LOCAL, unprobed=True), video=address)
    assert planned.ok
    assert (planned.clip_seconds, planned.clip_has_sound) == (None, None)
    assert planned.cost == Cost(amount=None, currency="CNY")
    assert "secret" not in planned.media[address]


def test_saying_unprobed_does_not_excuse_what_can_be_opened(tmp_path, recorder):
    unprobed = replace(ALL_LOCAL, unprobed=True)
    recorder.serve(b"<html>a page about the clip</html>")
    assert "web page" in problems(plan(unprobed, video=f"{recorder.url}/clip.mp4"))["video"]
    assert "does not exist" in problems(plan(unprobed, video=tmp_path / "missing.mp4"))["video"]


def test_a_web_server_that_stops_in_the_middle_is_a_problem_and_no_crash(recorder, media):
    content = media.clip.read_bytes()
    whole = {"Content-Range": f"bytes 0-65535/{len(content) + 1_000_000}"}
    recorder.reply = lambda asked: (
        Reply(206, content[:65_536], whole) if asked.headers["range"] == "bytes=0-65535" else Reply(500)
    )
    assert "clip.mp4" in problems(plan(ALL_LOCAL, video=f"{recorder.url}/clip.mp4"))["video"]


def test_a_manifests_media_lie_beside_it(manifest, tmp_path):
    rows = rows_of(manifest("jobs.yaml", "- {video: in/a.mp4, reference_images: [hat.png, 'https://host/coat.png']}"))
    assert rows[0].job is not None
    assert rows[0].job.video == f"{tmp_path}/in/a.mp4"
    assert rows[0].job.reference_images == (f"{tmp_path}/hat.png", "https://host/coat.png")


def test_a_manifest_may_lie_in_a_bucket():
    folder = f"memory://plan-{uuid.uuid4().hex}"
    with fsspec.open(f"{folder}/jobs.jsonl", "wb") as file:
        file.write(b'{"video": "a.mp4"}')
    (row,) = rows_of(f"{folder}/jobs.jsonl")
    assert row.job is not None
    assert row.job.video == f"{folder}/a.mp4"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("jobs.txt", "a.mp4", "no manifest format"),
        ("jobs.csv", "vidio\na.mp4\n", "did you mean 'video'"),
        ("jobs.jsonl", b'{"video": "\xff"}', "is not UTF-8 text (byte 11)"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_named(manifest, name, content, message):
    source = manifest(name, content)
    with pytest.raises(ManifestError) as refused:
        rows_of(source)
    assert source in str(refused.value)
    assert message in str(refused.value)


@pytest.mark.parametrize("source", ["missing.yaml", "nothing://here/jobs.yaml", "."])
def test_a_manifest_that_is_not_there_is_refused(tmp_path, monkeypatch, source):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ManifestError):
        rows_of(source)


def test_every_row_gets_its_plan_in_order_with_all_its_problems(clip, manifest):
    rows = [
        {"video": str(clip), "name": "fine"},
        {"video": str(clip), "promt": "typo"},
        {"video": "missing.mp4", "name": "FINE", "seed": -1},
        *({"video": str(clip), "take": take} for take in range(1, 12)),
    ]
    source = manifest("jobs.jsonl", "".join(f"{json.dumps(row)}\n" for row in rows))
    plans = asyncio.run(plan_rows(rows_of(source), MARKET))
    assert [planned.label for planned in plans] == [f"row {n} (line {n})" for n in range(1, len(rows) + 1)]
    assert [planned.ok for planned in plans] == [True, False, False, *[True] * 11]
    assert [problem.field for problem in plans[1].problems] == ["promt"]
    assert [problem.field for problem in plans[2].problems] == ["name", "seed", "video"]
    assert len({planned.job_key for planned in plans[3:]}) == 11


def test_an_unreadable_row_is_planned_as_refused_where_the_run_would_run_it(manifest):
    (row,) = rows_of(manifest("jobs.jsonl", "not json\n"))
    apiyi = replace(MARKET, default_provider=Provider.APIYI)
    (planned,) = asyncio.run(plan_rows([row], apiyi))
    assert (planned.job, planned.provider, planned.model) == (None, Provider.APIYI, HAPPYHORSE)
    assert not planned.ok
    assert planned.cost.amount is None
