"""A listing is sorted into drops by names alone, in whatever order it comes."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.rules.drops import Drop, File, Kind, drops_of, identities_alone, is_passed_over, manifests_among

NAMES = [
    *("coat.mp4", "coat.txt", "coat.ref1.png", "coat.ref10.png", "coat.ref2.png", "hat.MOV", "hat.yaml", "hat.md"),
    *("bare.mp4", "notes.txt", "list.csv", "named.mp4", "named.txt", "logo.png", "sub/deep.mp4", "sub/deep.json"),
    *("job/job.yaml", "job/in.mp4", "job/ref.png", "job/more/x.txt", "loose.yaml", ".hidden.mp4", "half.mp4.part"),
]
NAMED = {"list.csv": {"named.mp4", "logo.png", "missing.mp4"}}


def files(*names: str) -> list[File]:
    return [File(name, 1, "v1") for name in names]


def drops(*names: str) -> dict[str, Drop]:
    return {drop.name: drop for drop in drops_of(files(*names), {})}


def test_a_clip_goes_with_everything_of_its_stem() -> None:
    found = {drop.name: drop for drop in drops_of(files(*NAMES), NAMED)}
    assert sorted(found) == [
        *("bare.mp4", "coat.mp4", "hat.MOV", "job/job.yaml", "list.csv", "loose.yaml", "sub/deep.mp4"),
    ]
    coat, hat, job = found["coat.mp4"], found["hat.MOV"], found["job/job.yaml"]
    assert (coat.kind, coat.clip, coat.prompts, coat.fields) == (Kind.CLIP, "coat.mp4", ("coat.txt",), ())
    assert coat.references == ("coat.ref1.png", "coat.ref2.png", "coat.ref10.png")
    assert (hat.prompts, hat.fields) == (("hat.md",), ("hat.yaml",))
    assert (job.kind, job.clip, job.references) == (Kind.FOLDER, "job/in.mp4", ("job/ref.png",))
    assert [file.name for file in job.files] == ["job/in.mp4", "job/job.yaml", "job/more/x.txt", "job/ref.png"]
    assert found["bare.mp4"].is_bare and not found["coat.mp4"].is_bare
    assert found["sub/deep.mp4"].fields == ("sub/deep.json",)


def test_the_clips_a_manifest_names_are_no_drops_of_their_own() -> None:
    (drop,) = drops_of(files("list.csv", "named.mp4", "logo.png"), NAMED)
    assert (drop.kind, [file.name for file in drop.files]) == (Kind.MANIFEST, ["list.csv", "logo.png", "named.mp4"])


@pytest.mark.parametrize(
    ("names", "manifests"),
    [
        (["a.jsonl"], ["a.jsonl"]),
        (["a.jsonl", "a.mp4"], ["a.jsonl"]),
        (["a.yaml"], ["a.yaml"]),
        (["a.yaml", "a.mp4"], []),
        (["a.mp4.yaml", "a.mp4"], []),
        (["a.yaml", "sub/a.mp4"], ["a.yaml"]),
        (["job.yaml"], ["job.yaml"]),
        (["x/job.yaml", "x/list.csv"], []),
        ([".a.csv", "b.csv.part"], []),
    ],
)
def test_which_files_are_manifests(names: list[str], manifests: list[str]) -> None:
    assert [file.name for file in manifests_among(files(*names))] == manifests


@given(st.randoms(use_true_random=False))
def test_the_order_of_a_listing_changes_nothing(chance: random.Random) -> None:
    listed = files(*NAMES)
    chance.shuffle(listed)
    assert drops_of(listed, NAMED) == drops_of(files(*NAMES), NAMED)


@given(st.lists(st.sampled_from(NAMES), unique=True))
def test_no_file_belongs_to_two_drops_and_every_clip_to_one(names: list[str]) -> None:
    found = drops_of(files(*names), NAMED)
    members = [file.name for drop in found for file in drop.files]
    assert len(members) == len(set(members))
    clips = {name for name in names if name.lower().endswith((".mp4", ".mov")) and not is_passed_over(name)}
    assert clips <= set(members)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda name: name != "/")))
def test_any_names_at_all_can_be_listed(names: list[str]) -> None:
    drops_of(files(*names), {})


@pytest.mark.parametrize(
    "name",
    [
        *("a.mp4.part", "a.mp4.PARTIAL", "a.tmp", "a.crdownload", "a.mp4.filepart", "a.mp4.!qB", "a.mp4~", "~$a.yaml"),
        *(
            ".a.mp4",
            ".git/a.mp4",
            "sub/.a.mp4",
            "._a.mp4",
            "a.mp4.download/a.mp4",
            "a.mp4.error.md",
            "A.ERROR.MD",
            "\udcff.mp4",
            "x/",
        ),
    ],
)
def test_hidden_unfinished_and_our_own_files_are_passed_over(name: str) -> None:
    assert is_passed_over(name)
    assert drops(name) == {}


@pytest.mark.parametrize("name", ["part.mp4", "a.part.mp4", "temp/a.mp4", "error.mp4"])
def test_names_that_only_look_like_those_are_not(name: str) -> None:
    assert name in drops(name)


def test_a_working_file_beside_says_that_a_file_is_still_arriving() -> None:
    found = drops("a.mp4", "a.mp4.part", "b.mp4", "c.mp4", "c.txt", "c.txt.crdownload")
    assert {name: drop.arriving for name, drop in found.items()} == {"a.mp4": True, "b.mp4": False, "c.mp4": True}


def test_names_that_look_the_same_go_together_however_they_are_spelt() -> None:
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    assert drops(f"{composed}.mp4", f"{decomposed}.txt")[f"{composed}.mp4"].prompts == (f"{decomposed}.txt",)


def test_instructions_may_name_the_whole_clip_where_two_share_a_stem() -> None:
    found = drops("a.mp4", "a.mov", "a.mov.txt")
    assert (found["a.mov"].prompts, found["a.mp4"].prompts) == (("a.mov.txt",), ())


def test_a_folder_with_several_clips_leaves_it_to_its_instructions() -> None:
    (drop,) = drops("x/job.yaml", "x/a.mp4", "x/b.mp4").values()
    assert drop.clip is None


def test_a_job_folder_in_a_job_folder_belongs_to_the_outer_one() -> None:
    assert sorted(drops("x/job.yaml", "x/y/job.yaml", "x/a.mp4", "xy/job.yaml")) == ["x/job.yaml", "xy/job.yaml"]


@pytest.mark.parametrize("names", [("a.mp4", "a.txt"), ("a.mp4",), ("x/job.yaml", "x/a.mp4"), ("list.csv", "a.mp4")])
def test_the_clips_of_a_drop_are_known_when_all_else_of_it_is_taken_away(names: tuple[str, ...]) -> None:
    (drop,) = drops_of(files(*names), {"list.csv": {"a.mp4"}})
    (left,) = drops_of(files(*(name for name in names if name.endswith(".mp4"))), {})
    assert left.identity("/inbox") in identities_alone(drop, "/inbox")


def test_an_identity_changes_with_any_file_and_with_nothing_else() -> None:
    def identity(*listed: File, inbox: str = "/inbox") -> str:
        (drop,) = drops_of(listed, {})
        return drop.identity(inbox)

    clip, text = File("a.mp4", 5, "v1", 1.0), File("a.txt", 3, "v1", 1.0)
    same = identity(clip, text)
    assert identity(text, clip) == same
    assert identity(File("a.mp4", 5, "v1", 9.0), text) == same
    others = {
        identity(clip),
        identity(File("a.mp4", 6, "v1"), text),
        identity(File("a.mp4", 5, "v2"), text),
        identity(clip, File("a.txt", 3, "v2")),
        identity(clip, text, inbox="/other"),
    }
    assert len(others | {same}) == 6
