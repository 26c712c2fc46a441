"""What a plan tells before any money is spent: jobs, parameters, prices and problems."""

from typing import Any

import pytest

from deployments.emulator import Emulator
from tests.cli.recut import Recut
from tests.cli.shelf import Shelf

WAN, HORSE = "wan2.7-videoedit", "happyhorse-1.0-video-edit"


def test_a_plan_is_text_for_people(recut: Recut, shelf: Shelf) -> None:
    rows = [
        {"video": shelf.file("clip.mp4"), "prompt": "Night", "name": "one", "seed": 7},
        {"video": shelf.file("upright.mov"), "prompt": "Night", "model": HORSE, "resolution": "720P"},
    ]
    done = recut("plan", recut.write("jobs.jsonl", rows))
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == f"one  {WAN}  3.0 s  about 6.6053 CNY"
    assert lines[1] == (
        "    at dashscope in ap-southeast-1: audio_setting=auto duration=0 prompt_extend=true resolution=1080P seed=7 "
        "watermark=false"
    )
    assert lines[2].startswith("upright-")
    assert lines[2].endswith(f"{HORSE}  4.0 s  about 8.3935 CNY")
    assert lines[-1] == "2 jobs, cost: about 14.9988 CNY. Nothing was created."


def test_a_plan_with_problems_tells_the_rest_too(recut: Recut, shelf: Shelf) -> None:
    rows = [{"video": shelf.file("clip.mp4"), "prompt": "Night"}, {"video": "nowhere.mp4", "seed": -1}]
    done = recut("plan", recut.write("jobs.jsonl", rows))
    assert done.code == 2
    assert "1 of 2 jobs can run, cost: about 6.6053 CNY. Nothing was created." in done.out
    assert done.err.splitlines()[0] == "✗ row 2 (line 2): nowhere"
    assert len(done.err.splitlines()) == 3


def test_rows_of_several_manifests_are_told_apart(recut: Recut, shelf: Shelf) -> None:
    recut.write("a.csv", "video,prompt\nnowhere.mp4,Night\n")
    recut.write("b.yaml", "- video: nowhere.mp4\n  seed: -1\n- video: 1\n  nonsense: 2\n")
    done = recut("plan", "a.csv", "b.yaml", shelf.file("clip.mp4"), shelf.file("empty.mp4"))
    assert done.code == 2
    assert "✗ a.csv, row 1 (line 2): nowhere" in done.err
    assert "✗ b.yaml, row 1 (line 1): nowhere" in done.err
    assert "✗ b.yaml, row 2 (line 3)\n" in done.err
    assert f"✗ {shelf.file('empty.mp4')}: empty" in done.err
    assert "1 of 5 jobs can run" in done.out


def test_a_plan_as_json_has_the_agreed_shape(recut: Recut, emulator: Emulator, shelf: Shelf) -> None:
    rows = [{"video": shelf.file("clip.mp4"), "prompt": "Night", "name": "one"}, {"video": "nowhere.mp4", "seed": -1}]
    done = recut("plan", recut.write("jobs.jsonl", rows), "--json")
    assert (done.code, done.err) == (2, "")
    plan = done.json
    assert plan.keys() == {"jobs", "cost", "refused"}
    assert plan["refused"] == 1
    assert plan["cost"] == {"amount": 6.6053, "currency": "CNY", "estimated": True}
    good, bad = plan["jobs"]
    assert (good["name"], good["ok"], good["problems"]) == ("one", True, [])
    assert good["cost"] == {"amount": 6.6053, "currency": "CNY", "estimated": True}
    assert (bad["ok"], bad["cost"]["amount"]) == (False, None)
    assert [problem.keys() for problem in bad["problems"]] == [{"field", "message", "advice"}] * 2
    assert emulator.counters().operations == {}


@pytest.mark.parametrize(
    ("job", "region", "amount", "currency"),
    [
        ({"model": WAN}, "ap-southeast-1", 1.100886 * 6, "CNY"),
        ({"model": WAN, "resolution": "720p"}, "ap-southeast-1", 0.733924 * 6, "CNY"),
        ({"model": WAN, "duration": 2}, "ap-southeast-1", 1.100886 * 5, "CNY"),
        ({"model": WAN}, "cn-beijing", 1.0 * 6, "CNY"),
        ({"model": HORSE}, "cn-beijing", 1.6 * 6, "CNY"),
        ({"model": HORSE, "resolution": "720P"}, "us-east-1", 0.9 * 6, "CNY"),
        ({"model": HORSE}, "ap-northeast-1", None, None),
        ({"model": HORSE, "provider": "apiyi"}, "cn-beijing", 0.126 * 6, "USD"),
        ({"model": WAN, "provider": "apiyi", "resolution": "1080P"}, "ap-southeast-1", 0.14 * 6, "USD"),
    ],
    ids=str,
)
def test_a_job_is_priced_by_provider_region_and_tier(
    recut: Recut, shelf: Shelf, job: dict[str, Any], region: str, amount: float | None, currency: str | None
) -> None:
    row = {"video": shelf.web("clip.mp4"), "reference_images": [shelf.web("coat.png")], "prompt": "Night", **job}
    done = recut("plan", recut.write("jobs.jsonl", [row]), "--region", region, "--json")
    assert done.code == 0, done.said
    cost = done.json["jobs"][0]["cost"]
    assert cost["amount"] == (None if amount is None else pytest.approx(amount, abs=0.0001))
    assert cost["currency"] == currency


def test_a_clip_only_the_provider_can_open_has_an_unknown_price_and_needs_a_word(recut: Recut, shelf: Shelf) -> None:
    manifest = recut.write("jobs.jsonl", [{"video": shelf.web("gone.mp4"), "prompt": "Night", "name": "one"}])
    refused = recut("plan", manifest)
    assert refused.code == 2
    assert "say --unprobed" in refused.err
    done = recut("plan", manifest, "--unprobed")
    assert done.code == 0
    assert f"one  {WAN}  unknown length  unknown" in done.out
    assert "1 job, cost: unknown. Nothing was created." in done.out


def test_costs_of_two_currencies_are_never_added_up(recut: Recut, shelf: Shelf) -> None:
    row = {"video": shelf.web("clip.mp4"), "reference_images": [shelf.web("coat.png")], "prompt": "Night"}
    manifest = recut.write("jobs.jsonl", [row, row | {"provider": "apiyi"}])
    assert "2 jobs, cost: about 6.6053 CNY + about 0.756 USD." in recut("plan", manifest).out
    cost = recut("plan", manifest, "--json").json["cost"]
    assert (cost["amount"], cost["currency"]) == (None, None)
    assert [each["currency"] for each in cost["by_currency"]] == ["CNY", "USD"]


def test_a_model_that_a_region_does_not_have_is_refused(recut: Recut, shelf: Shelf) -> None:
    done = recut("plan", shelf.file("clip.mp4"), "--region", "us-east-1")
    assert done.code == 2
    assert f"{WAN} is not offered in us-east-1; dashscope runs it in ap-southeast-1, cn-beijing" in done.err


def test_a_plan_needs_no_key(recut: Recut, shelf: Shelf) -> None:
    done = recut("plan", shelf.file("clip.mp4"), DASHSCOPE_API_KEY=None, APIYI_API_KEY=None)
    assert done.code == 0


def test_a_private_clip_is_out_of_a_real_providers_reach(recut: Recut, shelf: Shelf) -> None:
    done = recut("plan", shelf.web("clip.mp4"), DASHSCOPE_HTTP_BASE_URL=None)
    assert done.code == 2
    assert "is a private address the provider cannot reach" in done.err


def test_a_plan_says_whether_the_cap_would_refuse_it(recut: Recut, shelf: Shelf) -> None:
    clip = shelf.file("clip.mp4")
    rows = [{"video": clip, "prompt": "Night"}, {"video": clip, "prompt": "Night"}, {"video": clip, "prompt": "Day"}]
    manifest = recut.write("jobs.jsonl", rows)
    over = recut("plan", manifest, "--max-cost", "13.2")
    assert over.code == 2
    assert "a batch of these would be refused: the jobs would cost about 13.2106 CNY, the cap is 13.2" in over.said
    within = recut("plan", manifest, "--max-cost", "13.3")
    assert (within.code, within.err) == (0, "")
    assert recut("plan", manifest, "--max-cost", "13.3", "--json").json["over_cap"] is None
    assert "the cap is 5" in recut("plan", manifest, "--json", RECUT_MAX_COST="5").json["over_cap"]


def test_a_plan_takes_no_option_that_changes_nothing(recut: Recut, shelf: Shelf) -> None:
    done = recut("plan", shelf.file("clip.mp4"), "--on-unknown", "recreate")
    assert done.code == 2
    assert "--on-unknown" in done.said
