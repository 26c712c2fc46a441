"""Reads a manifest (JSONL, CSV, YAML) into jobs, collecting every problem of every row with its line number."""

import csv
import difflib
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import PurePosixPath
from typing import Any, ClassVar

import yaml
from pydantic import ValidationError

from flows.rules.job import EditJob
from flows.rules.problems import Problem

COLUMNS = tuple(EditJob.model_fields)
FORMATS = (".jsonl", ".ndjson", ".csv", ".yaml", ".yml", ".json")


class ManifestError(ValueError):
    """The file as a whole cannot be read; the text names the line where it can."""


@dataclass
class Row:
    """One row of a manifest: a job, or what keeps it from being one.

    Attributes:
        number: Position among the rows, from 1.
        line: Line in the file, from 1; None where the format has no lines of its own.
        job: The job, None when the row cannot be read as one.
        problems: What is wrong with the row.
    """

    number: int
    line: int | None
    job: EditJob | None = None
    problems: list[Problem] = field(default_factory=list)

    @property
    def label(self) -> str:
        """How messages name the row."""
        where = f" (line {self.line})" if self.line is not None else ""
        return f"row {self.number}{where}"


def read_manifest(text: str, suffix: str) -> list[Row]:
    """Returns the rows of a manifest, readable or not.

    Args:
        text: The file's content.
        suffix: The file's ending, which names the format.

    Raises:
        ManifestError: The format is unknown, the file is malformed as a whole, or it holds no jobs.
    """
    text = text.removeprefix("\ufeff")
    match suffix.lower():
        case ".jsonl" | ".ndjson":
            rows = list(_jsonl(text))
        case ".csv":
            rows = list(_csv(text))
        case ".yaml" | ".yml":
            rows = list(_yaml(text))
        case ".json":
            rows = list(_json(text))
        case _:
            raise ManifestError(f"{suffix or 'a file without ending'} is no manifest format; use {_or(FORMATS)}")
    if not rows:
        raise ManifestError("the manifest holds no jobs")
    _refuse_equal_names(rows)
    return rows


def read_job(text: str, suffix: str, given: Mapping[str, Any]) -> Row:
    """Returns the one job whose fields a YAML or JSON file holds, readable or not.

    Args:
        text: The file's content.
        suffix: The file's ending, which names the format.
        given: What fields are that the file leaves out.

    Raises:
        ManifestError: The file is malformed as a whole.
    """
    text = text.removeprefix("\ufeff")
    data = _json_data(text) if suffix.lower() == ".json" else _yaml_data(text)[0]
    return _row(1, None, {**given, **data} if isinstance(data, dict) else data)


def resolve(address: str, base: str) -> str:
    """Returns a medium's address, with a relative path taken from the folder of the manifest.

    Args:
        address: As written in the row.
        base: Folder of the manifest: a path or a URL.
    """
    if "://" in address or address.startswith(("/", "~")) or not base:
        return address
    return f"{base.rstrip('/')}/{PurePosixPath(address).as_posix()}"


def _jsonl(text: str) -> Iterator[Row]:
    number = 0
    # Only a line feed ends a line: JSON strings may hold every other separator Unicode knows.
    for line, content in enumerate(text.split("\n"), start=1):
        if not content.strip():
            continue
        number += 1
        try:
            data = json.loads(content, object_pairs_hook=_no_key_twice)
        except (ValueError, RecursionError) as error:
            yield _broken(number, line, f"is not valid JSON: {error}")
            continue
        yield _row(number, line, data)


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    repeated = [key for key, count in Counter(key for key, _ in pairs).items() if count > 1]
    if repeated:
        raise ValueError(f"{repeated[0]!r} is given twice")
    return dict(pairs)


def _csv(text: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(header)
        number, start = 0, reader.line_num + 1
        for cells in reader:
            line, start = start, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            number += 1
            if len(cells) > len(header):
                yield _broken(number, line, f"has {len(cells)} cells, the header has {len(header)}")
                continue
            data: dict[str, Any] = {
                name: text for name, cell in zip(header, cells, strict=False) if (text := cell.strip())
            }
            if images := data.get("reference_images"):
                data["reference_images"] = [part.strip() for part in images.split("|") if part.strip()]
            yield _row(number, line, data)
    except csv.Error as error:
        raise ManifestError(f"line {reader.line_num}: not valid CSV: {error}") from error


def _check_header(header: Sequence[str]) -> None:
    if not header:
        raise ManifestError("line 1: the CSV header is missing")
    for name in header:
        if name not in COLUMNS:
            raise ManifestError(f"line 1: unknown column {name!r}{_did_you_mean(name)}")
    repeated = [name for name, count in Counter(header).items() if count > 1]
    if repeated:
        raise ManifestError(f"line 1: column {repeated[0]!r} appears twice")


class _Loader(yaml.SafeLoader):
    """Reads plain values as text, as CSV does: YAML itself would take ``16:9`` for 969 and ``no`` for false."""

    yaml_constructors: ClassVar[dict[str | None, Any]] = yaml.SafeLoader.yaml_constructors | {
        f"tag:yaml.org,2002:{kind}": yaml.SafeLoader.construct_yaml_str
        for kind in ("bool", "int", "float", "timestamp")
    }

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Refuses a key given twice, of which YAML would silently take the last."""
        node = super().compose_mapping_node(anchor)
        keys: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in keys:
                raise yaml.MarkedYAMLError(problem=f"{key.value!r} is given twice", problem_mark=key.start_mark)
            keys.add(key.value)
        return node


def _yaml(text: str) -> Iterator[Row]:
    data, document = _yaml_data(text)
    jobs = document
    if isinstance(document, yaml.MappingNode):
        jobs = next((value for key, value in document.value if key.value == "jobs"), None)
    lines = [node.start_mark.line + 1 for node in jobs.value] if isinstance(jobs, yaml.SequenceNode) else []
    return _entries(data, lines)


def _yaml_data(text: str) -> tuple[Any, yaml.Node | None]:
    """Returns what a YAML file holds, as values and as nodes that know their lines."""
    try:
        loader = _Loader(text)
        document = loader.get_single_node()
        return loader.construct_document(document) if document is not None else None, document
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ManifestError(f"line {line}: not valid YAML: {error.problem}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise ManifestError(f"not valid YAML: {error}") from error


def _json(text: str) -> Iterator[Row]:
    return _entries(_json_data(text), [])


def _json_data(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_no_key_twice)
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"not valid JSON: {error}") from error


def _entries(data: object, lines: Sequence[int]) -> Iterator[Row]:
    """Makes rows of a list of jobs, or of a mapping with ``defaults`` and ``jobs``."""
    defaults: Mapping[str, Any] = {}
    if isinstance(data, dict):
        unknown = [key for key in data if key not in ("defaults", "jobs")]
        if unknown:
            raise ManifestError(f"unknown key {unknown[0]!r} at the top; use 'defaults' and 'jobs'")
        defaults = data.get("defaults") or {}
        if not isinstance(defaults, dict):
            raise ManifestError("'defaults' must be a mapping of columns to values")
        data = data.get("jobs")
    if data is None:
        return
    if not isinstance(data, list):
        raise ManifestError("the jobs must be a list")
    for number, (entry, line) in enumerate(zip_longest(data, lines), start=1):
        yield _row(number, line, {**defaults, **entry} if isinstance(entry, dict) else entry)


def _row(number: int, line: int | None, data: object) -> Row:
    if not isinstance(data, dict):
        return _broken(number, line, "is not a mapping of columns to values")
    try:
        return Row(number, line, job=EditJob.model_validate(data))
    except ValidationError as error:
        return Row(number, line, problems=problems_of(error))


def problems_of(error: ValidationError) -> list[Problem]:
    """Returns pydantic's complaints about a job as problems."""
    problems = []
    for detail in error.errors(include_url=False, include_context=False):
        name = ".".join(str(part) for part in detail["loc"]) or "row"
        if detail["type"] == "extra_forbidden":
            advice = f"remove it{_did_you_mean(name)}; the columns are {', '.join(COLUMNS)}"
            problems.append(Problem(field=name, message="unknown column", advice=advice))
        elif detail["type"] == "missing":
            problems.append(Problem(field=name, message="is missing", advice="give it"))
        else:
            found = repr(detail["input"])
            found = found if len(found) <= 60 else f"{found[:57]}..."
            text = detail["msg"].removeprefix("Value error, ")
            problems.append(Problem(field=name, message=f"is {found}", advice=text[:1].lower() + text[1:]))
    return problems


def _broken(number: int, line: int | None, message: str) -> Row:
    return Row(number, line, problems=[Problem(field="row", message=message, advice="mend this line")])


def _refuse_equal_names(rows: Sequence[Row]) -> None:
    first: dict[str, Row] = {}
    for row in rows:
        if row.job is None or row.job.name is None:
            continue
        # Compared without letter case: results may land on a file system that ignores it.
        earlier = first.setdefault(row.job.name.casefold(), row)
        if earlier is not row:
            row.problems.append(
                Problem(
                    field="name",
                    message=f"{row.job.name!r} is already the name of {earlier.label}",
                    advice="give each job its own name: results are files of that name",
                )
            )


def _did_you_mean(name: str) -> str:
    close = difflib.get_close_matches(name, COLUMNS, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _or(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"
