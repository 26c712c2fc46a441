"""How the tests ask the emulator: plain HTTP in each dialect, with bodies that are right unless told otherwise."""

from pathlib import Path
from typing import Any

import httpx

from deployments.emulator import WAN, Emulator

KEY = "sk-test"
RUN_SECONDS = 100
SAMPLE = (Path(__file__).parents[2] / "deployments" / "samples" / "bigbuckbunny.mp4").read_bytes()
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


def policy(client: DashScope, model: str = WAN) -> dict[str, Any]:
    """A fresh upload policy."""
    answer = client.get("uploads", params={"action": "getPolicy", "model": model})
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def form(granted: dict[str, Any], name: str = "clip.mp4", **changes: str | None) -> dict[str, str]:
    """The form fields for one upload; a change to None leaves a field out."""
    fields = {
        "OSSAccessKeyId": granted["oss_access_key_id"],
        "Signature": granted["signature"],
        "policy": granted["policy"],
        "x-oss-object-acl": granted["x_oss_object_acl"],
        "x-oss-forbid-overwrite": granted["x_oss_forbid_overwrite"],
        "key": f"{granted['upload_dir']}/{name}",
        "success_action_status": "200",
        **changes,
    }
    return {name: value for name, value in fields.items() if value is not None}


def upload(granted: dict[str, Any], content: bytes = SAMPLE, **changes: str | None) -> httpx.Response:
    """Put a file into the temporary store."""
    return httpx.post(granted["upload_host"], data=form(granted, **changes), files={"file": ("clip.mp4", content)})
