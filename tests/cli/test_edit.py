"""One clip, edited from the command line."""

import json

import av

from deployments.emulator import Emulator
from tests.cli.recut import Recut
from tests.cli.shelf import Shelf


def test_an_edit_is_published_and_told(recut: Recut, emulator: Emulator, shelf: Shelf) -> None:
    done = recut("edit", shelf.file("clip.mp4"), "--prompt", "Make it night", "--name", "night/one")
    assert done.code == 0
    result = recut.results / "night" / "one.mp4"
    assert done.out.splitlines() == [
        f"✓ night/one  published  {result}  6.6053 CNY",
        # What the provider of the tests makes in a hurry is one picture for as long as the clip lasts.
        "    worth a look: it stands still from 0.0 s to 3.0 s",
        "1 of 1 published; 1 created in this run; cost of what is published: 6.6053 CNY.",
    ]
    assert done.err.splitlines()[0] == "night/one: waiting"
    assert done.err.splitlines()[-1] == "night/one: done"
    with av.open(result) as video:
        assert video.streams.video[0].height == 1080
    assert len(emulator.audit()) == 1


def test_every_option_of_an_edit_reaches_the_provider(recut: Recut, emulator: Emulator, shelf: Shelf) -> None:
    options = {
        "--prompt": "Put on the coat and the hat",
        "--negative-prompt": "rain",
        "--resolution": "720p",
        "--ratio": "9:16",
        "--duration": 2,
        "--audio-setting": "origin",
        "--seed": 7,
        "--take": 2,
        "--name": "tall",
        "--model": "wan2.7-videoedit",
        "--results": "elsewhere",
    }
    said = [part for option in options.items() for part in option]
    references = ["--reference", shelf.file("coat.png"), "--reference", shelf.file("hat.jpg")]
    done = recut("edit", shelf.file("clip.mp4"), *said, *references, "--no-prompt-extend", "--watermark", "--json")
    assert done.code == 0, done.said
    body = json.loads(emulator.audit()[0].body)
    assert body["parameters"] == {
        "resolution": "720P",
        "ratio": "9:16",
        "duration": 2,
        "audio_setting": "origin",
        "prompt_extend": False,
        "watermark": True,
        "seed": 7,
    }
    assert (body["input"]["prompt"], body["input"]["negative_prompt"]) == ("Put on the coat and the hat", "rain")
    assert [medium["type"] for medium in body["input"]["media"]] == ["video", "reference_image", "reference_image"]
    assert done.json["jobs"][0]["result"] == str(recut.folder / "elsewhere" / "tall.mp4")
    assert json.loads((recut.folder / "elsewhere" / "tall.json").read_text())["take"] == 2


def test_the_same_edit_again_is_not_paid_again_and_another_take_is(
    recut: Recut, emulator: Emulator, shelf: Shelf
) -> None:
    edit = ("edit", shelf.file("clip.mp4"), "--prompt", "Make it night", "--resolution", "720P", "--json")
    first, again, take = recut(*edit), recut(*edit), recut(*edit, "--take", 2)
    assert [done.code for done in (first, again, take)] == [0, 0, 0]
    assert [done.json["created"] for done in (first, again, take)] == [1, 0, 1]
    assert first.json["jobs"][0]["result"] == again.json["jobs"][0]["result"] != take.json["jobs"][0]["result"]
    assert len(emulator.audit()) == 2


def test_results_can_be_asked_for_again_elsewhere_without_paying(
    recut: Recut, emulator: Emulator, shelf: Shelf
) -> None:
    edit = ("edit", shelf.file("clip.mp4"), "--prompt", "Make it night", "--resolution", "720P", "--journal", "books")
    assert recut(*edit).code == 0
    done = recut(*edit, "--name", "copy", "--results", "elsewhere", "--json")
    assert (done.code, done.json["created"]) == (0, 0)
    assert (recut.folder / "elsewhere" / "copy.mp4").is_file()
    assert len(emulator.audit()) == 1


def test_an_edit_by_apiyi_needs_web_media_and_is_estimated_in_dollars(
    recut: Recut, emulator: Emulator, shelf: Shelf
) -> None:
    reference = ("--reference", shelf.web("coat.png"))
    done = recut("edit", shelf.web("clip.mp4"), "--prompt", "Night", *reference, "--provider", "apiyi", "--name", "a")
    assert done.code == 0, done.said
    assert done.out.startswith(f"✓ a  published  {recut.results / 'a.mp4'}  about 0.756 USD\n")
    assert [entry.provider for entry in emulator.audit()] == ["apiyi"]
