"""Manifests of all formats become jobs, or say every problem of every row with its line."""

import csv
import io
import json
from contextlib import suppress
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from flows.rules.job import HAPPYHORSE, WAN, EditJob
from flows.rules.manifest import COLUMNS, ManifestError, Row, read_manifest, resolve

ENDINGS = (".jsonl", ".ndjson", ".csv", ".yaml", ".yml", ".json")
JOBS: list[dict[str, Any]] = [
    {"video": "a.mp4", "prompt": "make it clay"},
    {
        "video": "s3://bucket/b.mp4",
        "prompt": "replace the coat, \"exactly\" as in the pictures\nand nothing else | keep the hat: #1 @ 'noon'",
        "negative_prompt": "blurry",
        "reference_images": ["coat.png", "https://host/hat.png?x=1,2"],
        "model": WAN,
        "resolution": "720P",
        "ratio": "16:9",
        "duration": 5,
        "audio_setting": "origin",
        "prompt_extend": False,
        "watermark": True,
        "seed": 0,
        "take": 2,
        "name": "coats/second",
        "provider": "apiyi",
    },
]


def as_jsonl(rows: list[dict[str, Any]]) -> str:
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)


def as_csv(rows: list[dict[str, Any]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    for row in rows:
        writer.writerow({**row, "reference_images": "|".join(row.get("reference_images", ()))})
    return out.getvalue()


def as_yaml(rows: list[dict[str, Any]]) -> str:
    return yaml.safe_dump(rows)


def as_json(rows: list[dict[str, Any]]) -> str:
    return json.dumps(rows, indent="\t")


FORMATS = {".jsonl": as_jsonl, ".csv": as_csv, ".yaml": as_yaml, ".json": as_json}


def jobs_of(text: str, suffix: str) -> list[EditJob]:
    rows = read_manifest(text, suffix)
    assert [row.problems for row in rows] == [[]] * len(rows)
    return [row.job for row in rows if row.job]


def refusal(text: str, suffix: str) -> str:
    with pytest.raises(ManifestError) as refused:
        read_manifest(text, suffix)
    return str(refused.value)


def said(rows: list[Row]) -> list[tuple[int | None, list[str]]]:
    return [(row.line, [str(problem) for problem in row.problems]) for row in rows]


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_same_jobs_are_read_from_every_format(suffix):
    assert jobs_of(FORMATS[suffix](JOBS), suffix) == [EditJob.model_validate(job) for job in JOBS]


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_byte_order_mark_and_an_ending_in_capitals_do_not_matter(suffix):
    assert len(jobs_of("\ufeff" + FORMATS[suffix](JOBS), suffix.upper())) == 2


plain = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), max_size=30).map(str.strip)
words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\t\x7f\x85"))
address = plain.filter(lambda text: text and "|" not in text and "://" not in text)
jobs = st.fixed_dictionaries(
    {"video": address},
    optional={
        "prompt": words,
        "negative_prompt": words,
        "reference_images": st.lists(address, min_size=1, max_size=4),
        "model": st.sampled_from([WAN, HAPPYHORSE]),
        "resolution": st.sampled_from(["720P", "1080P"]),
        "ratio": st.sampled_from(["16:9", "9:16", "1:1", "4:3", "3:4"]),
        "duration": st.integers(-3, 70),
        "audio_setting": st.sampled_from(["auto", "origin"]),
        "prompt_extend": st.booleans(),
        "watermark": st.booleans(),
        "seed": st.integers(0, 2**31 - 1),
        "take": st.integers(1, 9),
        "provider": st.sampled_from(["dashscope", "apiyi"]),
    },
)


@given(rows=st.lists(jobs, min_size=1, max_size=4))
def test_jobs_survive_every_format_and_the_way_between_them(rows):
    jobs = jobs_of(as_jsonl(rows), ".jsonl")
    assert jobs == [EditJob.model_validate(row) for row in rows]
    again = [job.model_dump(mode="json", exclude_none=True) for job in jobs]
    for suffix, write in FORMATS.items():
        assert jobs_of(write(again), suffix) == jobs, suffix


MARKUP = """
video prompt jobs defaults take : - , " ' { } [ ] | &a *a ? # % --- a 16:9 2024-13-45 null ~ yes 0x 1e999 NaN
<<:*a !!int !!timestamp !!binary !!map !!set{a} !!omap !!python/none \\ud800
"""
pieces = st.sampled_from([*MARKUP.split(), " ", "  ", ": ", "- ", "\n", "\r\n", "\n  ", "\n- video: ", "\0", "\u2028"])


@given(text=st.lists(pieces, max_size=30).map("".join) | st.text(), suffix=st.sampled_from(ENDINGS))
def test_whatever_a_file_holds_it_becomes_rows_or_one_explanation(text, suffix):
    try:
        rows = read_manifest(text, suffix)
    except ManifestError:
        return
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert all(row.job is not None or row.problems for row in rows)


@pytest.mark.parametrize("suffix", ENDINGS)
@pytest.mark.parametrize("opening", ["[", '{"jobs":', "- " * 3])
def test_nesting_without_end_is_no_way_to_crash(suffix, opening):
    with suppress(ManifestError):
        assert all(row.job is None for row in read_manifest(opening * 20_000, suffix))


def test_yaml_may_carry_defaults_that_rows_override():
    text = """
defaults: {resolution: 720P, watermark: on, seed: 1}
jobs:
  - video: a.mp4
  - {video: b.mp4, resolution: 1080P, seed: null}
"""
    first, second = jobs_of(text, ".yaml")
    assert (first.resolution, first.watermark, first.seed) == ("720P", True, 1)
    assert (second.resolution, second.watermark, second.seed) == ("1080P", True, None)


def test_yaml_values_are_what_they_look_like():
    text = "- {video: 1.mp4, ratio: 16:9, prompt: no, name: 2026-11-20, negative_prompt: 007, take: 2}"
    (job,) = jobs_of(text, ".yaml")
    assert (job.ratio, job.prompt, job.name, job.negative_prompt, job.take) == ("16:9", "no", "2026-11-20", "007", 2)


def test_yaml_rows_may_share_values_by_name():
    text = "- &first {video: a.mp4, prompt: clay, take: 1}\n- {<<: *first, take: 2}"
    first, second = jobs_of(text, ".yaml")
    assert second == first.model_copy(update={"take": 2})


def test_json_separators_of_other_lines_stay_inside_their_string():
    prompt = "one\u2028two\u0085three\x7ffour"
    assert jobs_of(as_jsonl([{"video": "a", "prompt": prompt}]), ".jsonl")[0].prompt == prompt


def test_json_keeps_characters_beyond_16_bits():
    assert jobs_of('[{"video": "a", "prompt": "\\ud83d\\ude00"}]', ".json")[0].prompt == "😀"


def test_csv_cells_may_be_padded_empty_missing_or_of_many_lines():
    text = 'video, prompt ,resolution,watermark,take\r\n a.mp4 ,"two\nlines", 720p, yes ,\r\n\r\nb.mp4\r\n'
    first, second = jobs_of(text, ".csv")
    assert (first.video, first.prompt, first.resolution, first.watermark, first.take) == (
        *("a.mp4", "two\nlines", "720P", True),
        1,
    )
    assert second == EditJob(video="b.mp4")


def test_csv_images_are_separated_by_bars():
    (job,) = jobs_of("video,reference_images\na.mp4, one.png | two.png ||", ".csv")
    assert job.reference_images == ("one.png", "two.png")


@pytest.mark.parametrize(
    ("suffix", "text", "lines"),
    [
        (".jsonl", '\n{"video": "a"}\n\n  \n{"video": "b"}\n', [2, 5]),
        (".jsonl", '{"video": "a"}\r\n{"video": "b"}', [1, 2]),
        (".csv", 'video,prompt\na,"1\n2\n3"\n\nb,x\n', [2, 6]),
        (".yaml", "# jobs\n- video: a\n\n- prompt: x\n  video: b\n", [2, 4]),
        (".yaml", "defaults:\n  take: 2\njobs:\n- video: a\n- video: b\n", [4, 5]),
        (".json", '[{"video": "a"},\n{"video": "b"}]', [None, None]),
    ],
)
def test_rows_know_their_line(suffix, text, lines):
    rows = read_manifest(text, suffix)
    assert [(row.number, row.line) for row in rows] == [(1, lines[0]), (2, lines[1])]
    assert rows[1].label == ("row 2" if lines[1] is None else f"row 2 (line {lines[1]})")


def test_all_problems_of_all_rows_are_told_at_once():
    text = "\n".join(
        [
            '{"video": "", "take": 0, "seed": "x"}',
            "not json",
            '{"video": "a", "promt": "typo"}',
            '{"prompt": "no clip"}',
            "[1]",
            '{"video": "a", "video": "b"}',
            '{"video": "fine"}',
        ]
    )
    rows = read_manifest(text, ".jsonl")
    assert [[problem.field for problem in row.problems] for row in rows] == [
        ["video", "seed", "take"],
        ["row"],
        ["promt"],
        ["video"],
        ["row"],
        ["row"],
        [],
    ]
    assert [row.line for row in rows if row.job] == [7]
    told = [str(problem) for row in rows for problem in row.problems]
    assert any("did you mean 'prompt'" in text for text in told)
    assert "video: is missing; give it" in told
    assert "row: is not a mapping of columns to values; mend this line" in told
    assert "row: is not valid JSON: 'video' is given twice; mend this line" in told


def test_long_values_are_shortened_in_messages():
    (row,) = read_manifest(as_jsonl([{"video": "a", "resolution": "x" * 1000}]), ".jsonl")
    assert len(str(row.problems[0])) < 200


def test_a_csv_row_with_too_many_cells_is_told_and_the_others_are_read():
    rows = read_manifest("video,prompt\na,b,c\nd,e\n", ".csv")
    assert said(rows) == [(2, ["row: has 3 cells, the header has 2; mend this line"]), (3, [])]


def test_two_rows_may_not_have_the_same_name_in_any_letter_case():
    rows = read_manifest(as_jsonl([{"video": "a", "name": name} for name in ("Coat", "hat", "coat", "COAT")]), ".jsonl")
    assert [bool(row.problems) for row in rows] == [False, False, True, True]
    assert "already the name of row 1 (line 1)" in rows[3].problems[0].message


@pytest.mark.parametrize(
    ("suffix", "text", "message"),
    [
        *((suffix, "", "") for suffix in ENDINGS),
        *((suffix, "\ufeff \n", "") for suffix in ENDINGS),
        (".jsonl", "\n \n", "holds no jobs"),
        (".csv", "video,prompt\n", "holds no jobs"),
        (".csv", "", "line 1: the CSV header is missing"),
        (".csv", "video,promt\n", "line 1: unknown column 'promt' (did you mean 'prompt'?)"),
        (".csv", "video,prompt,\n", "line 1: unknown column ''"),
        (".csv", "video,video\n", "line 1: column 'video' appears twice"),
        (".csv", 'video\na\n"b', "line 3: not valid CSV"),
        (".yaml", "- video: [a", "line 1: not valid YAML"),
        (".yaml", "- video: a\n  video: b", "line 2: not valid YAML: 'video' is given twice"),
        (".yaml", "jobs: []\njobs:\n- video: a", "line 2: not valid YAML: 'jobs' is given twice"),
        (".yaml", "- !!python/object:os.system x", "line 1: not valid YAML"),
        (".yaml", "- video: a\n---\n- video: b", "not valid YAML"),
        (".yaml", "jobs: a.mp4", "the jobs must be a list"),
        (".yaml", "a.mp4", "the jobs must be a list"),
        (".yaml", "video: a.mp4", "unknown key 'video' at the top; use 'defaults' and 'jobs'"),
        (".yaml", "defaults: [1]\njobs: [{video: a}]", "'defaults' must be a mapping"),
        (".yaml", "defaults: {take: 2}", "holds no jobs"),
        (".json", "[", "not valid JSON"),
        (".json", '{"jobs": [], "jobs": []}', "not valid JSON: 'jobs' is given twice"),
        (".txt", "a.mp4", ".txt is no manifest format; use .jsonl, .ndjson, .csv, .yaml, .yml or .json"),
        ("", "a.mp4", "a file without ending is no manifest format"),
    ],
)
def test_a_file_that_cannot_be_read_as_a_whole_is_refused_with_its_line(suffix, text, message):
    assert message in refusal(text, suffix)


@pytest.mark.parametrize(
    ("address", "base", "resolved"),
    [
        ("a.mp4", "/clips", "/clips/a.mp4"),
        ("./sub/a.mp4", "/clips", "/clips/sub/a.mp4"),
        ("../a.mp4", "/clips", "/clips/../a.mp4"),
        ("a.mp4", "/", "/a.mp4"),
        ("a.mp4", "", "a.mp4"),
        ("/else/a.mp4", "/clips", "/else/a.mp4"),
        ("~/a.mp4", "/clips", "~/a.mp4"),
        ("https://host/a.mp4", "/clips", "https://host/a.mp4"),
        ("sub/a.mp4", "s3://bucket/jobs", "s3://bucket/jobs/sub/a.mp4"),
        ("gs://other/a.mp4", "s3://bucket/jobs", "gs://other/a.mp4"),
    ],
)
def test_relative_paths_start_at_the_manifest(address, base, resolved):
    assert resolve(address, base) == resolved
