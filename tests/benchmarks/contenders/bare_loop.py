"""The floor: asyncio and httpx with nothing around them. It remembers nothing, checks nothing, retries nothing.

With --play it decodes each result once, which is the least that tells whether it is a video.
"""

import asyncio
import itertools
import os
import sys
from pathlib import Path

import av
import httpx

from tests.benchmarks.contenders.said import Said

#: Provider seconds between two looks, as the provider advises.
LOOK_SECONDS = 15
#: Provider seconds between two creates: five in a second is the provider's limit.
PACE_SECONDS = 0.21


async def main() -> None:
    said = Said.read()
    folder = Path(said.folder)
    folder.mkdir(parents=True)
    slots, turn, count = asyncio.Semaphore(said.slots), asyncio.Lock(), itertools.count()
    headers = {"Authorization": f"Bearer {os.environ['DASHSCOPE_API_KEY']}"}
    pool = httpx.Limits(max_connections=None)
    async with (
        httpx.AsyncClient(headers=headers, timeout=60, limits=pool) as provider,
        httpx.AsyncClient(timeout=60, limits=pool) as store,
    ):

        async def sleep(seconds: float) -> None:
            await asyncio.sleep(seconds / said.clock_scale)

        async def edit(prompt: str) -> None:
            async with slots:
                async with turn:
                    await sleep(PACE_SECONDS)
                url = f"{said.base_url}/services/aigc/video-generation/video-synthesis"
                created = await provider.post(url, json=said.body(prompt), headers={"X-DashScope-Async": "enable"})
                output = created.raise_for_status().json()["output"]
                while output["task_status"] in ("PENDING", "RUNNING"):
                    await sleep(LOOK_SECONDS)
                    seen = await provider.get(f"{said.base_url}/tasks/{output['task_id']}")
                    output = seen.raise_for_status().json()["output"]
            async with store.stream("GET", output["video_url"]) as result:
                path = folder / f"{next(count)}.mp4"
                with path.open("wb") as file:
                    async for piece in result.raise_for_status().aiter_bytes():
                        file.write(piece)
            if "--play" in sys.argv:
                await asyncio.to_thread(play, path)

        async with asyncio.TaskGroup() as edits:
            for prompt in said.prompts():
                edits.create_task(edit(prompt))


def play(path: Path) -> None:
    with av.open(path) as container:
        video = container.streams.video[0]
        video.codec_context.thread_count = 1
        assert sum(1 for _ in container.decode(video))


if __name__ == "__main__":
    asyncio.run(main())
