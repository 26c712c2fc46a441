"""The official SDK in a pool of threads, as its users write it: one blocking call per edit, then a download.

The SDK waits between its looks by the real clock; its waits are divided by the clock scale, so that provider time
passes for it as for everyone.
"""

import os
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dashscope

from tests.benchmarks.contenders.said import Said

_sleep = time.sleep


def main() -> None:
    said = Said.read()
    dashscope.base_http_api_url = said.base_url
    dashscope.api_key = os.environ["DASHSCOPE_API_KEY"]
    time.sleep = lambda seconds: _sleep(seconds / said.clock_scale)
    Path(said.folder).mkdir(parents=True)

    def edit(numbered: tuple[int, str]) -> None:
        number, prompt = numbered
        body = said.body(prompt)
        answer = dashscope.VideoSynthesis.call(model=body["model"], **body["input"], **body["parameters"])
        assert answer.output and answer.output.video_url, answer
        urllib.request.urlretrieve(answer.output.video_url, Path(said.folder) / f"{number}.mp4")

    with ThreadPoolExecutor(said.slots) as pool:
        list(pool.map(edit, enumerate(said.prompts())))


if __name__ == "__main__":
    main()
