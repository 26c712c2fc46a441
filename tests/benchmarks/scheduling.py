"""How full the slots are kept, and at what cost: recut beside the official SDK's pool and a bare loop.

All of them meet the same provider, in processes of their own: same limits, same run times in the same order.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from deployments.emulator import WAN
from deployments.local.home import Home
from tests.benchmarks.books import least_delay, read
from tests.benchmarks.contenders.said import Said
from tests.benchmarks.effort import Effort, cpu_seconds, effort_of, peak_bytes
from tests.benchmarks.provider import Provider, provider
from tests.clips import make_clip
from tests.recorder import Recorder

RECUT = Path(sys.executable).with_name("recut")
SLOTS = 5
#: Provider seconds: a short edit. Provider time is quickened, so that whatever costs real time weighs as much more.
RUN_TIME = {"median": 60.0, "p95": 120.0}
CLOCK_SCALE = 20
_TEAMS_OWN = ("RECUT_", "DASHSCOPE_", "APIYI_", "PREFECT_")


@dataclass(frozen=True)
class Size:
    """How large a measurement is.

    Attributes:
        full: Sizes of the batches that compete.
        overhead: Edits without run time.
        memory: Edits of a small and a large batch.
        shared: Edits that one process, then four take at five slots.
        wide: Edits that one process, then four take at as many slots as an enterprise has.
        wide_slots: That many.
        wide_clock_scale: Provider seconds in one real second meanwhile.
    """

    full: tuple[int, ...] = (50, 100, 500)
    overhead: int = 100
    memory: tuple[int, int] = (10, 2000)
    shared: int = 100
    wide: int = 2000
    wide_slots: int = 500
    wide_clock_scale: float = 1


def measure(folder: Path, size: Size = Size()) -> dict[str, Any]:
    """Runs all measurements and returns what they told."""
    with stand(folder) as made:
        published = {"running": SLOTS, "submits_per_second": 5, "queries_per_second": 20}
        enterprise = {"running": size.wide_slots, "submits_per_second": 100, "queries_per_second": 400, "queue": 2000}
        return {
            "full": [keeping_slots_full(made, edits) for edits in size.full],
            "overhead": overhead(made, size.overhead),
            "memory": memory(made, *size.memory),
            "sharing": [
                sharing(made, size.shared, 4, published, CLOCK_SCALE),
                sharing(made, size.wide, 4, enterprise, size.wide_clock_scale),
            ],
        }


@dataclass(frozen=True)
class Stand:
    """What all contenders share: a folder, a clip on the web, and the home of recut's Prefect server.

    Attributes:
        folder: For everything made.
        clip: Address of the clip.
    """

    folder: Path
    clip: str

    def environment(self, at: Provider, results: Path) -> dict[str, str]:
        """Returns the environment of a team that edits at a provider."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(_TEAMS_OWN)}
        return own | {
            "DASHSCOPE_API_KEY": "sk-of-the-benchmark",
            "DASHSCOPE_HTTP_BASE_URL": at.base_url,
            "RECUT_HOME": str(self.folder / "home"),
            "RECUT_RESULTS": str(results),
            "RECUT_CLOCK_SCALE": str(at.clock_scale),
            "RECUT_CATALOG": str(self.catalog),
        }

    @property
    def catalog(self) -> Path:
        """The run times that a team's journal would have taught recut by now."""
        path = self.folder / "catalog.yaml"
        if not path.exists():
            usual = {f"run_times.{name}_seconds": seconds for name, seconds in RUN_TIME.items()}
            path.write_text(yaml.safe_dump([{"model": WAN, "set": usual}]))
        return path

    def manifest(self, name: str, edits: int, first: int = 0) -> Path:
        """Writes a manifest of so many edits, counted from the first on, and returns its path."""
        path = self.folder / f"{name}.jsonl"
        wished = {"video": self.clip, "resolution": "720P", "watermark": False}  # as the others ask for
        rows = ({"prompt": f"Edit {first + number}", **wished} for number in range(edits))
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        return path

    @property
    def server(self) -> int:
        """Process id of recut's Prefect server."""
        state = Home(self.folder / "home" / "prefect").read_state()
        assert state is not None, "recut's Prefect server is not running"
        return state.pid


@contextmanager
def stand(folder: Path) -> Iterator[Stand]:
    """Sets up what all contenders share, and starts recut's Prefect server, so that no contender pays for that."""
    clip = make_clip(folder / "clip.mp4", seconds=2, width=360, height=360)
    with Recorder() as web:
        web.serve(clip.read_bytes(), ETag='"the-clip"')
        made = Stand(folder, f"{web.url}/clip.mp4")
        try:
            with provider(folder / "warming", clock_scale=1000, run_time={"median": 1}) as at:
                by_recut(made, at, "warming", 1, RECUT_SERVER_IDLE_SECONDS="3600")
            yield made
        finally:
            with suppress(AssertionError, ProcessLookupError):
                os.kill(made.server, signal.SIGTERM)


def by_recut(made: Stand, at: Provider, name: str, edits: int, **settings: str) -> Effort:
    """Runs `recut batch` as a team would."""
    environment = made.environment(at, made.folder / name) | settings
    command = [RECUT, "batch", made.manifest(name, edits), "--json"]
    return effort_of(command, environment, made.folder / f"{name}.log")


def by_stages(made: Stand, at: Provider, name: str, edits: int, *how: str, **settings: str) -> Effort:
    """Runs recut's stages without Prefect."""
    environment = made.environment(at, made.folder / name) | settings
    command = [sys.executable, "-m", "tests.benchmarks.contenders.recut_stages", made.manifest(name, edits)]
    return effort_of([*command, *how], environment, made.folder / f"{name}.log")


def by(module: str, slots: int, *how: str) -> Callable[[Stand, Provider, str, int], Effort]:
    """Returns how another contender is run."""

    def run(made: Stand, at: Provider, name: str, edits: int) -> Effort:
        said = Said(at.base_url, made.clip, edits, slots, at.clock_scale, str(made.folder / name))
        command = [sys.executable, "-m", f"tests.benchmarks.contenders.{module}", said.told(), *how]
        return effort_of(command, made.environment(at, made.folder / name), made.folder / f"{name}.log")

    return run


def keeping_slots_full(made: Stand, edits: int, clock_scale: float = CLOCK_SCALE) -> dict[str, Any]:
    """Runs all contenders at the same time, each at a provider of its own with the same run times."""
    contenders = {
        "SDK in a pool of threads": by("sdk_pool", SLOTS),
        "bare asyncio loop": by("bare_loop", SLOTS + 2),
        "recut": lambda made, at, name, edits: by_recut(made, at, name, edits, **_rates(5, 20, clock_scale)),
    }

    def compete(name: str) -> dict[str, Any]:
        place = f"full-{edits}-{name.split()[0]}"
        with provider(made.folder / f"{place}-provider", clock_scale=clock_scale, run_time=RUN_TIME) as at:
            effort = contenders[name](made, at, place, edits)
            reading, counted = read(at.audit(), SLOTS), at.counters()
        return {
            "contender": name,
            "makespan_over_bound": reading.makespan / reading.lower_bound,
            "ideal_over_bound": reading.ideal / reading.lower_bound,
            "utilisation": reading.utilisation,
            "polls": reading.polls,
            "delay_seconds": reading.delay,
            "least_delay_seconds": least_delay(reading.polls, RUN_TIME["median"], RUN_TIME["p95"]),
            "throttled": counted.throttled,
            "cpu_seconds_per_1000": effort.cpu_seconds / edits * 1000,
            "peak_megabytes": effort.peak_bytes / 2**20,
        }

    with ThreadPoolExecutor() as together:
        told = list(together.map(compete, contenders))
    return {"edits": edits, "slots": SLOTS, "run_time": RUN_TIME, "clock_scale": clock_scale, "contenders": told}


def overhead(made: Stand, edits: int) -> dict[str, Any]:
    """Runs edits that take the provider no time: what is left is what everybody costs, starting not counted."""
    slots = 20
    limits = {"running": slots, "submits_per_second": 100_000, "queries_per_second": 100_000}
    contenders: dict[str, Callable[[Provider, str, int], Effort]] = {
        "bare asyncio loop": lambda at, name, count: by("bare_loop", slots)(made, at, name, count),
        "bare asyncio loop that plays each result": lambda at, name, count: by("bare_loop", slots, "--play")(
            made, at, name, count
        ),
        "recut's stages without contact sheets": lambda at, name, count: by_stages(
            made, at, name, count, "--one-sheet", **_allowed(limits, 1)
        ),
        "recut's stages": lambda at, name, count: by_stages(made, at, name, count, **_allowed(limits, 1)),
        "recut": lambda at, name, count: by_recut(made, at, name, count, **_allowed(limits, 1)),
    }
    rows = []
    for name, run in contenders.items():
        efforts, served = [], []
        for count in (1, edits + 1):
            place = f"overhead-{len(rows)}-{count}"
            with provider(made.folder / f"{place}-at", clock_scale=100, run_time={"median": 0}, **limits) as at:
                before = cpu_seconds(made.server)
                efforts.append(run(at, place, count))
                served.append(cpu_seconds(made.server) - before)
        rows.append(
            {
                "contender": name,
                "start_seconds": efforts[0].seconds,
                "cpu_ms_per_edit": (efforts[1].cpu_seconds - efforts[0].cpu_seconds) / edits * 1000,
                "server_cpu_ms_per_edit": (served[1] - served[0]) / edits * 1000,
            }
        )
    return {"edits": edits, "contenders": rows}


def memory(made: Stand, few: int, many: int) -> dict[str, Any]:
    """Returns the peak memory of a small and a large batch, in megabytes."""
    told = {}
    for edits in (few, many):
        wide = {"running": 100, "submits_per_second": 1000, "queries_per_second": 1000}
        with provider(made.folder / f"memory-{edits}", clock_scale=100, run_time={"median": 5}, **wide) as at:
            told[str(edits)] = by_recut(made, at, f"memory-of-{edits}", edits, **_allowed(wide, 1)).peak_bytes / 2**20
    return {"peak_megabytes": told, "server_megabytes": peak_bytes(made.server) / 2**20}


def sharing(made: Stand, edits: int, processes: int, limits: Mapping[str, int], clock_scale: float) -> dict[str, Any]:
    """Runs the same number of edits in one process and in several that share an account."""
    rows = []
    for count in (1, processes):
        place = f"shared-{limits['running']}-{count}"
        with provider(made.folder / f"{place}-at", clock_scale=clock_scale, run_time=RUN_TIME, **limits) as at:

            def share(number: int, at: Provider = at, place: str = place, count: int = count) -> Effort:
                environment = made.environment(at, made.folder / f"{place}-{number}") | _allowed(limits, clock_scale)
                manifest = made.manifest(f"{place}-{number}", edits // count, number * edits)
                log = made.folder / f"{place}-{number}.log"
                return effort_of([RECUT, "batch", manifest, "--json"], environment, log)

            with ThreadPoolExecutor() as together:
                efforts = list(together.map(share, range(count)))
            reading, counted = read(at.audit(), limits["running"]), at.counters()
        rows.append(
            {
                "processes": count,
                "makespan_over_bound": reading.makespan / reading.lower_bound,
                "ideal_over_bound": reading.ideal / reading.lower_bound,
                "utilisation": reading.utilisation,
                "polls": reading.polls,
                "delay_seconds": reading.delay,
                "least_delay_seconds": least_delay(reading.polls, RUN_TIME["median"], RUN_TIME["p95"]),
                "most_running": max(counted.peak_running.values()),
                "throttled": counted.throttled,
                "cpu_seconds_per_1000": sum(effort.cpu_seconds for effort in efforts) / edits * 1000,
                "peak_megabytes": max(effort.peak_bytes for effort in efforts) / 2**20,
            }
        )
    return {"edits": edits, "slots": limits["running"], "runs": rows}


def _rates(submits_per_second: float, queries_per_second: float, clock_scale: float) -> dict[str, str]:
    """Returns a provider's rates as settings for recut, which paces its calls by the real clock.

    A little less, because the shorter the provider's seconds, the more calls of one slip into the next.
    """
    return {
        "RECUT_SUBMITS_PER_SECOND": str(0.8 * submits_per_second * clock_scale),
        "RECUT_QUERIES_PER_SECOND": str(0.8 * queries_per_second * clock_scale),
    }


def _allowed(limits: Mapping[str, int], clock_scale: float) -> dict[str, str]:
    """Returns the settings of a team whose account has other limits than the published ones.

    How many may run, recut asks the provider itself.
    """
    return _rates(limits["submits_per_second"], limits["queries_per_second"], clock_scale)
