"""Results as runs leave them, for tests of the gallery: sidecars and reports with everything filled in."""

import hashlib
from decimal import Decimal

from blocks.clients.store import Store
from flows.rules.budget import Cost
from flows.rules.sidecar import Sidecar
from flows.rules.states import JobState
from flows.telling.reports import JobReport, ReportedError

CNY = Cost(amount=Decimal("7.7429"), currency="CNY", estimated=False)
HOSTILE = "</script></style><script>alert(1)</script><img src=x onerror=alert(1)>'\"&amp; {{ 7 * 7 }} ]]> <!--"


def sidecar(name: str = "bunny-80e77131", **changes: object) -> Sidecar:
    stem = name.rpartition("/")[2]
    content = {
        "name": name,
        "job_key": hashlib.sha256(name.encode()).hexdigest()[:32],
        "take": 1,
        "provider": "dashscope",
        "model": "wan2.7-videoedit",
        "region": "ap-southeast-1",
        "account": "dashscope-5163be3e",
        "provider_task_id": f"task of {name}",
        "request_id": "eea66351",
        "prompt": "Turn the scene into claymation",
        "negative_prompt": None,
        "video": "https://clips.example/bunny.mp4",
        "reference_images": [],
        "media": {},
        "parameters": {"resolution": "720P", "watermark": False},
        "clip_seconds": 5.28,
        "estimate": {"amount": 7.7502, "currency": "CNY", "estimated": True},
        "cost": CNY.model_dump(mode="json"),
        "usage": {"input_video_duration": 5.28},
        "result": {
            "file": f"{stem}.mp4",
            "sha256": "5c0fe844",
            "size_bytes": 5_111_277,
            "container": "mp4",
            "codec": "h264",
            "duration_seconds": 5.27,
            "width": 1280,
            "height": 720,
            "frame_rate": 30.0,
            "has_audio": True,
        },
        "contact_sheet": f"{stem}.jpg",
        "notes": [],
        "timings": {"intent_at": "2026-11-21T01:30:25Z", "published_at": "2026-11-21T01:40:25Z", "run_seconds": 297.4},
        "made_by": "recut 0.1.0",
    }
    return Sidecar.model_validate(content | changes)


def report(name: str, state: JobState, error: ReportedError | None = None, job_key: str = "ab" * 16) -> JobReport:
    return JobReport(
        name=name,
        job_key=job_key,
        state=state,
        provider="apiyi",
        model="happyhorse-1.0-video-edit",
        cost=Cost(amount=Decimal("8.4"), currency="CNY"),
        error=error,
    )


def publish(
    store: Store, made: Sidecar, *, under: str | None = None, parts: tuple[str, ...] = (".mp4", ".jpg")
) -> None:
    name = under or made.name
    for part in parts:
        store.write(f"{name}{part}", b"media")
    store.write(f"{name}.json", made.model_dump_json(indent=1).encode())
