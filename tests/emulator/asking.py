"""How the tests ask the emulator: plain HTTP in each dialect, with bodies that are right unless told otherwise."""

from typing import Any

import httpx

from deployments.emulator import HAPPYHORSE, WAN, Emulator

KEY = "sk-test"
SYNTHESIS = "services/aigc/video-generation/video-synthesis"


def body(clip: str, *images: str, model: str = WAN, prompt: str = "claymation", **parameters: Any) -> dict[str, Any]:
    media = [{"type": "video", "url": clip}] + [{"type": "reference_image", "url": image} for image in images]
    return {
        "model": model,
        "input": {"prompt": prompt, "media": media},
        "parameters": {"resolution": "720P", **parameters},
    }


class DashScope(httpx.Client):
    """A client of the DashScope dialect."""

    def __init__(self, emulator: Emulator, key: str = KEY):
        super().__init__(
            base_url=emulator.dashscope_base_url,
            headers={"Authorization": f"Bearer {key}", "X-DashScope-Async": "enable"},
            timeout=30,
        )

    def create(self, document: dict[str, Any], **headers: str) -> httpx.Response:
        return self.post(SYNTHESIS, json=document, headers=headers)

    def created(self, document: dict[str, Any], **headers: str) -> str:
        answer = self.create(document, **headers)
        assert answer.status_code == 200, answer.text
        return answer.json()["output"]["task_id"]

    def poll(self, task_id: str) -> dict[str, Any]:
        answer = self.get(f"tasks/{task_id}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def status(self, task_id: str) -> str:
        return self.poll(task_id)["output"]["task_status"]

    def list(self, **filters: Any) -> dict[str, Any]:
        answer = self.get("tasks", params=filters)
        assert answer.status_code == 200, answer.text
        return answer.json()


class Apiyi(httpx.Client):
    """A client of the APIYI dialect that knows of the wrong gzip label."""

    def __init__(self, emulator: Emulator, key: str = KEY):
        super().__init__(
            base_url=emulator.apiyi_base_url,
            headers={
                "Authorization": f"Bearer {key}",
                "X-DashScope-Async": "enable",
                "Accept-Encoding": "identity",
            },
            timeout=30,
        )

    def create(self, document: dict[str, Any]) -> httpx.Response:
        return self.post(f"wan/api/v1/{SYNTHESIS}", json=document)

    def created(self, document: dict[str, Any]) -> str:
        answer = self.create(document)
        assert answer.status_code == 200, answer.text
        return answer.json()["output"]["task_id"]

    def poll(self, task_id: str) -> dict[str, Any]:
        answer = self.get(f"v1/tasks/{task_id}")
        assert answer.status_code == 200, answer.text
        return answer.json()


def finish(emulator: Emulator, count: int = 1) -> None:
    """Let the run time pass, then wait for the edits themselves."""
    emulator.advance(RUN_SECONDS)
    emulator.wait(status="SUCCEEDED", count=count)


RUN_SECONDS = 100
MODELS = (WAN, HAPPYHORSE)
