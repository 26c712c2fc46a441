"""The queue of one account and model, as pure arithmetic on instants."""

import pytest

from deployments.emulator.catalog import RULES, WAN
from deployments.emulator.config import Limits
from deployments.emulator.errors import ErrorText, RefusedError
from deployments.emulator.faults import Fate
from deployments.emulator.lane import Lane
from deployments.emulator.rates import RateWindow
from deployments.emulator.request import Customer
from deployments.emulator.tasks import Outcome, ProviderTask

HOUR = 3600.0


def task(name: str, submitted_at: float = 0, run_seconds: float = 10, edited_at: float = 0, **more) -> ProviderTask:
    return ProviderTask(
        provider_task_id=name,
        rules=RULES["dashscope", WAN],
        customer=Customer("team", WAN),
        create_request_id="",
        body="",
        headers={},
        prompt="",
        request=None,
        refusal=None,
        run_seconds=run_seconds,
        submitted_at=submitted_at,
        outcome=Outcome(edited_at),
        **more,
    )


def test_tasks_start_in_the_order_they_came_and_five_run_at_once():
    lane = Lane(Limits())
    tasks = [task(str(number)) for number in range(7)]
    for each in tasks:
        lane.submit(each, 0)
    assert [each.status for each in tasks] == ["RUNNING"] * 5 + ["PENDING"] * 2
    lane.settle(10)
    assert [each.started_at for each in tasks[5:]] == [10, 10]
    assert lane.peak_running == 5


def test_asking_late_gives_the_same_history_as_asking_often():
    def history(instants: list[float]) -> list[tuple[float | None, float | None]]:
        lane = Lane(Limits(running=1))
        tasks = [task(str(number), run_seconds=7 + number) for number in range(4)]
        for each in tasks:
            lane.submit(each, 0)
        for instant in instants:
            lane.settle(instant)
        return [(each.started_at, each.ended_at) for each in tasks]

    assert history([100]) == history([1, 8, 9, 20, 33, 100]) == [(0, 7), (7, 15), (15, 24), (24, 34)]


def test_a_task_succeeds_only_when_its_edit_is_done_too():
    lane = Lane(Limits())
    slow = task("slow", edited_at=25)
    lane.submit(slow, 0)
    lane.settle(10)
    assert slow.status == "RUNNING"
    lane.settle(25)
    assert (slow.status, slow.ended_at) == ("SUCCEEDED", 25)


def test_a_failed_edit_ends_the_task_at_once():
    lane = Lane(Limits())
    broken = task("broken")
    broken.outcome = Outcome(3, ErrorText(400, "InvalidFile.FPS", "no"))
    lane.submit(broken, 0)
    lane.settle(4)
    assert (broken.status, broken.ended_at) == ("FAILED", 3)


def test_after_three_hours_a_task_fails_whether_it_runs_or_waits():
    lane = Lane(Limits(running=1))
    running = task("running", fate=Fate(ends="stays_running"))
    running.outcome = None
    waiting = task("waiting", submitted_at=5, fate=Fate(ends="stays_pending"))
    lane.submit(running, 0)
    lane.submit(waiting, 5)
    lane.settle(3 * HOUR + 5)
    assert [each.status for each in (running, waiting)] == ["FAILED", "FAILED"]
    assert [each.ended_at for each in (running, waiting)] == [3 * HOUR, 3 * HOUR + 5]
    assert running.error is not None
    assert running.error.code == "InternalError.Timeout"


def test_a_full_queue_refuses():
    lane = Lane(Limits(running=1, queue=2))
    for number in range(3):
        lane.submit(task(str(number)), 0)
    with pytest.raises(RefusedError, match=r"Throttling\.RateQuota"):
        lane.submit(task("one too many"), 0)


def test_only_waiting_tasks_can_be_cancelled():
    lane = Lane(Limits(running=1))
    first, second = task("first"), task("second")
    lane.submit(first, 0)
    lane.submit(second, 0)
    assert not lane.cancel(first, 1)
    assert lane.cancel(second, 1)
    assert second.status == "CANCELED"


def test_limits_can_be_switched_off():
    lane = Lane(Limits(running=None, queue=None, wall_seconds=None))
    tasks = [task(str(number), run_seconds=100 * HOUR) for number in range(600)]
    for each in tasks:
        lane.submit(each, 0)
    lane.settle(50 * HOUR)
    assert {each.status for each in tasks} == {"RUNNING"}


def test_a_rate_window_counts_any_one_second():
    window = RateWindow(2)
    assert [window.admit(instant) for instant in (0.0, 0.75, 0.9, 1.0, 1.5, 1.75)] == [
        True,
        True,
        False,
        True,
        False,
        True,
    ]
    assert window.peak == 2
