"""The same bytes go up once per destination, across jobs and runs, and signatures are kept to nobody's eyes."""

import asyncio
from collections.abc import Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from blocks.clients.store import Store
from deployments.emulator import Emulator
from flows.planning.plan import plan_job
from flows.planning.sources import MediumUnavailable
from flows.rules.job import EditJob, Provider
from flows.running.clock import Clock
from flows.running.run import open_run
from flows.running.settings import RunOptions
from flows.stages.upload import Links, signed, upload
from flows.transfer.uploads import SHARED_SECONDS, Uploads
from tests.conftest import Media
from tests.s3 import S3Server

WAN = "wan2.7-videoedit"


@pytest.fixture
def staging(bucket: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("RECUT_STAGING", f"{bucket}/staging")
    return f"{bucket}/staging"


@asynccontextmanager
async def planned(jobs: Sequence[EditJob]):
    async with open_run(RunOptions()) as run:
        market = await run.market({Provider.DASHSCOPE, Provider.APIYI})
        plans = [plan_job(job, market) for job in jobs]
        assert all(plan.ok for plan in plans), plans[0].problems
        yield run, plans


def uploaded(jobs: Sequence[EditJob]) -> list[Links]:
    """Takes jobs through the upload stage of one run."""

    async def go() -> list[Links]:
        async with planned(jobs) as (run, plans):
            return await asyncio.gather(*(upload.fn(run, plan) for plan in plans))

    return asyncio.run(go())


def jobs_of(media: Media, count: int, provider: Provider = Provider.DASHSCOPE) -> list[EditJob]:
    return [
        EditJob(
            video=media.clip_url,
            prompt=f"look {number}",
            reference_images=(str(media.picture),),
            provider=provider,
            model=WAN,
        )
        for number in range(count)
    ]


def test_five_hundred_jobs_that_share_a_picture_stage_it_once(providers: Emulator, media: Media, s3: S3Server, staging):
    links = uploaded(jobs_of(media, 250) + jobs_of(media, 250, Provider.APIYI))
    assert len(s3.puts("staging/")) == 1
    assert len({link.reference_images[0] for link in links}) == 1
    assert links[0].reference_images[0].startswith(f"{staging}/sha256-")
    assert links[0].video == media.clip_url
    s3.seen.clear()
    uploaded(jobs_of(media, 3))
    assert s3.puts("staging/") == []


def test_a_picture_cut_short_in_staging_is_put_there_again(providers, media: Media, s3: S3Server, staging):
    (links,) = uploaded(jobs_of(media, 1))
    store, name = Store(staging), links.reference_images[0].rpartition("/")[2]
    store.write(name, b"half")
    uploaded(jobs_of(media, 1))
    assert store.read(name) == media.picture.read_bytes()
    assert store.info(name)["ContentType"] == "image/png"


def test_signatures_are_made_last_and_carry_the_day(providers, media: Media, staging):
    async def go() -> tuple[Links, Links]:
        async with planned(jobs_of(media, 1)) as (run, plans):
            links = await upload.fn(run, plans[0])
            return links, await signed(run, links)

    links, fetchable = asyncio.run(go())
    assert "X-Amz" not in links.model_dump_json()
    assert "X-Amz-Expires=86400" in fetchable.reference_images[0]
    assert fetchable.video == media.clip_url


def test_a_file_in_a_bucket_is_signed_where_it_is_and_copied_nowhere(providers, media: Media, s3, bucket, staging):
    Store(f"{bucket}/inbox").publish("clip.mp4", media.clip)
    s3.seen.clear()
    (links,) = uploaded([EditJob(video=f"{bucket}/inbox/clip.mp4", prompt="x")])
    assert links.video == f"{bucket}/inbox/clip.mp4"
    assert s3.puts("staging/") == []


def test_a_clip_that_changed_in_its_bucket_is_not_sent(providers, media: Media, bucket):
    inbox = Store(f"{bucket}/inbox")
    inbox.publish("clip.mp4", media.clip)

    async def go() -> None:
        async with planned([EditJob(video=f"{bucket}/inbox/clip.mp4", prompt="x")]) as (run, plans):
            inbox.write("clip.mp4", b"another clip")
            await upload.fn(run, plans[0])

    with pytest.raises(MediumUnavailable, match="has changed"):
        asyncio.run(go())


def test_what_went_to_the_temporary_store_is_remembered_by_later_runs(providers: Emulator, media: Media, tmp_path):
    first = uploaded(jobs_of(media, 5))
    second = uploaded(jobs_of(media, 5))
    assert {link.reference_images[0] for link in first + second} == {first[0].reference_images[0]}
    assert providers.counters().operations["dashscope upload"].received == 1
    remembered = "".join(path.read_text() for path in Path(tmp_path / "results").rglob("uploads/*.json"))
    assert first[0].reference_images[0] in remembered


def test_the_temporary_store_is_not_trusted_past_its_time(tmp_path):
    class Later(Clock):
        def now(self):
            return super().now() + timedelta(seconds=SHARED_SECONDS + 1)

    sent = []

    async def send() -> str:
        sent.append(1)
        return f"oss://{len(sent)}"

    async def go(clock: Clock, destination: tuple[str, ...]) -> str:
        return await Uploads(Store(str(tmp_path)), clock).kept(destination, send)

    here = ("account", "model", "sha256:1")
    assert asyncio.run(go(Clock(), here)) == "oss://1"
    assert asyncio.run(go(Clock(), here)) == "oss://1"
    assert asyncio.run(go(Later(), here)) == "oss://2"
    assert asyncio.run(go(Clock(), ("another account", "model", "sha256:1"))) == "oss://3"


def test_an_upload_that_failed_is_tried_again_by_whoever_comes_next(tmp_path):
    async def go() -> str:
        uploads = Uploads(Store(str(tmp_path)), Clock())
        outcomes = iter([OSError("the line broke"), "s3://staged"])

        async def send() -> str:
            outcome = next(outcomes)
            if isinstance(outcome, OSError):
                raise outcome
            return outcome

        with pytest.raises(OSError, match="line broke"):
            await uploads.once(("here",), send)
        return await uploads.once(("here",), send)

    assert asyncio.run(go()) == "s3://staged"
