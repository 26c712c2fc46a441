"""Real time for people, provider time for everything that mirrors the provider."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from flows.running.clock import Clock


def test_now_is_the_real_time_in_utc_whatever_the_scale():
    before = datetime.now(UTC)
    assert before <= Clock(scale=3_600).now() <= datetime.now(UTC)
    assert Clock().now().utcoffset() == timedelta(0)


@pytest.mark.parametrize("scale", [1, 60, 0.5])
def test_real_seconds_count_for_as_many_provider_seconds_as_the_scale_says(scale):
    clock = Clock(scale)
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    assert clock.provider_seconds_since(hour_ago) == pytest.approx(3_600 * scale, rel=0.01)


@pytest.mark.parametrize("scale", [1, 60, 0.5])
def test_a_moment_in_provider_seconds_is_as_much_nearer_in_real_ones(scale):
    clock = Clock(scale)
    assert (clock.after(3_600) - clock.now()).total_seconds() == pytest.approx(3_600 / scale, rel=0.01)


def test_the_monotonic_clock_runs_at_the_providers_speed():
    slow, fast = Clock(), Clock(1_000)
    first = slow.monotonic()
    assert slow.monotonic() >= first
    assert fast.monotonic() == pytest.approx(1_000 * slow.monotonic(), rel=0.001)


def test_a_provider_hour_can_be_slept_through_at_once():
    clock = Clock(1_000_000)
    before = clock.monotonic()
    asyncio.run(clock.sleep(3_600))
    assert clock.monotonic() - before >= 3_600
