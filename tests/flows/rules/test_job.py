"""What makes two jobs one: the words of a job, and its key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from flows.rules.catalog import BEIJING, GATEWAY, SINGAPORE, Catalog
from flows.rules.job import DEFAULT_MODELS, HAPPYHORSE, WAN, EditJob, Provider, job_key

SAID = {
    "model": WAN,
    "prompt": "turn it into claymation",
    "negative_prompt": "blurry",
    "video": "sha256:clip",
    "reference_images": ["sha256:hat", "sha256:coat"],
    "parameters": {"resolution": "720P", "watermark": False, "seed": 1, "duration": 0},
    "take": 1,
}


def key(**changes: object) -> str:
    return job_key(**{**SAID, **changes})


def of(**fields: object) -> EditJob:
    return EditJob.model_validate({"video": "clip.mp4", **fields})


def key_of(job: EditJob, provider: Provider = Provider.DASHSCOPE, region: str = SINGAPORE) -> str:
    """The key of a job as a plan makes it, its media given as what they contain."""
    offer = Catalog().offer(provider, job.model or DEFAULT_MODELS[provider], region)
    return job_key(
        model=offer.model,
        prompt=job.prompt,
        negative_prompt=job.negative_prompt,
        video="sha256:clip",
        reference_images=["sha256:hat"] * len(job.reference_images),
        parameters=offer.explicit(job.asked_parameters()),
        take=job.take,
    )


def test_a_key_is_32_hex_digits_and_never_changes_between_versions():
    # Journals outlive versions: another key for the same job would pay for it again.
    assert key() == "06d6d4f2eec4cf83aca6b1d0b8496284"


@pytest.mark.parametrize(
    "change",
    [
        {"model": HAPPYHORSE},
        {"prompt": "turn it into claymation!"},
        {"prompt": "Turn it into claymation"},
        {"prompt": ""},
        {"negative_prompt": None},
        {"negative_prompt": "Blurry"},
        {"video": "sha256:another"},
        {"reference_images": []},
        {"reference_images": ["sha256:hat"]},
        {"reference_images": ["sha256:coat", "sha256:hat"]},
        {"reference_images": ["sha256:hat", "sha256:coat", "sha256:hat"]},
        {"take": 2},
        *({"parameters": {**SAID["parameters"], name: value}} for name, value in [
            ("resolution", "1080P"),
            ("watermark", True),
            ("seed", 2),
            ("duration", 2),
            ("ratio", "16:9"),
            ("audio_setting", "origin"),
            ("prompt_extend", False),
        ]),
        {"parameters": {}},
    ],
    ids=str,
)  # fmt: skip
def test_everything_that_matters_changes_the_key(change):
    assert key(**change) != key()


def test_text_cannot_slip_from_one_field_into_another():
    assert key(prompt="a", negative_prompt="b") != key(prompt='a","negative_prompt":"b', negative_prompt="")
    assert key(reference_images=["a,b"]) != key(reference_images=["a", "b"])


@given(order=st.permutations(list(SAID["parameters"])))
def test_the_order_parameters_are_written_in_does_not_matter(order):
    assert key(parameters={name: SAID["parameters"][name] for name in order}) == key()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"resolution": "720P"}, {"resolution": "720p"}),
        ({"resolution": "720P"}, {"resolution": " 720p "}),
        ({"audio_setting": "origin"}, {"audio_setting": "ORIGIN"}),
        ({"prompt": "clay"}, {"prompt": "  clay\n"}),
        ({"seed": 7}, {"seed": "7"}),
        ({"watermark": True}, {"watermark": "yes"}),
        ({"reference_images": ["hat.png"]}, {"reference_images": "hat.png"}),
        ({"reference_images": ["hat.png"]}, {"reference_images": ["elsewhere/hat.png"]}),
        ({}, {"negative_prompt": ""}),
        ({}, {"negative_prompt": "  "}),
        ({}, {"name": "folder/result"}),
        ({}, {"provider": "dashscope"}),
        ({}, {"video": "s3://bucket/clip.mp4"}),
        ({}, {"model": WAN}),
        ({}, {"resolution": "1080P"}),
        ({}, {"watermark": False}),
        ({}, {"duration": 0}),
        ({}, {"audio_setting": "auto"}),
        ({}, {"prompt_extend": True}),
        ({}, {"take": 1}),
        ({}, {"seed": None, "ratio": None}),
    ],
    ids=str,
)
def test_the_same_edit_has_the_same_key_however_it_is_written(one, other):
    assert key_of(of(**one)) == key_of(of(**other))


def test_the_region_that_runs_a_job_is_no_part_of_it():
    assert key_of(of()) == key_of(of(), region=BEIJING)


def test_a_job_that_says_everything_is_the_same_at_both_providers():
    job = of(model=WAN, resolution="720P", duration=0, audio_setting="auto", reference_images=["hat.png"])
    assert key_of(job) == key_of(job, Provider.APIYI, GATEWAY)


def test_a_default_that_differs_between_providers_makes_another_job():
    job = of(model=WAN, duration=0, audio_setting="auto")
    assert key_of(job) != key_of(job, Provider.APIYI, GATEWAY)


def test_a_parameter_nobody_set_is_not_asked_for():
    assert of().asked_parameters() == {}
    assert of(watermark=False, seed=0, duration=0).asked_parameters() == {"duration": 0, "watermark": False, "seed": 0}


@pytest.mark.parametrize("name", ["clip", "a/b", "Ü 1 (final)", "日本", "a.b", "x" * 200, "a" * 200 + "/" + "b" * 200])
def test_plain_names_are_taken(name):
    assert of(name=name).name == name


@pytest.mark.parametrize(
    "name",
    ["", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", ".hidden", "a/.b", "a\\b", "a:b", "a\nb", "a\0", "a*", "a?",
     'a"', "<a>", "a|b", "x" * 201, "ü" * 101, "ok/" + "日" * 67],
    ids=repr,
)  # fmt: skip
def test_a_name_that_could_leave_the_results_or_fit_no_disk_is_refused(name):
    with pytest.raises(ValidationError, match="name"):
        of(name=name)


@pytest.mark.parametrize(
    "address", ["http://[::1", "http://host:port/a.mp4", "https://host:70000/a.mp4", "a\0.mp4", "a\n.mp4", "", "  "]
)
def test_an_address_that_cannot_be_taken_apart_is_refused_with_the_job(address):
    with pytest.raises(ValidationError, match="video"):
        of(video=address)
    with pytest.raises(ValidationError, match="reference_images"):
        of(reference_images=["fine.png", address])


@pytest.mark.parametrize(
    "address",
    ["clip.mp4", "~/clip.mp4", "a b#c?.mp4", "C:/clip.mp4", "http://[::1]:9000/a.mp4", "https://h/ü.mp4?x=1:2"],
)
def test_paths_and_urls_of_any_shape_are_taken(address):
    assert of(video=address).video == address


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("take", 0),
        ("take", -1),
        ("take", 1.5),
        ("resolution", "480P"),
        ("ratio", "2:1"),
        ("audio_setting", "mute"),
        ("provider", "somebody"),
        ("watermark", "perhaps"),
        ("seed", "abc"),
        ("promt", "typo"),
    ],
)
def test_what_no_provider_knows_is_refused(field, value):
    with pytest.raises(ValidationError, match=field):
        of(**{field: value})
