"""Shards for workers stay within what a Prefect server takes as the parameters of one flow run."""

from hypothesis import given, settings
from hypothesis import strategies as st

from flows.planning.plan import PlannedJob
from flows.rules.job import WAN, EditJob, Provider
from flows.running.workers import MOST_BYTES, split_by_size


def plan(prompt: str) -> PlannedJob:
    job = EditJob(video="https://example.com/clip.mp4", prompt=prompt)
    return PlannedJob(name="clip", job=job, job_key="0" * 32, provider=Provider.DASHSCOPE, model=WAN, region="r")


@settings(max_examples=30, deadline=None)
@given(lengths=st.lists(st.integers(min_value=1, max_value=5000), max_size=12), most=st.integers(1, 20_000))
def test_no_piece_is_too_long_unless_one_job_alone_is_and_all_jobs_stay_in_order(lengths, most):
    plans = [plan("x" * length) for length in lengths]
    pieces = list(split_by_size(plans, most))
    assert [each for piece in pieces for each in piece] == plans
    for piece in pieces:
        assert len(piece) == 1 or sum(len(each.model_dump_json()) for each in piece) <= most


def test_sixty_jobs_with_the_longest_prompts_fit_into_pieces_below_the_servers_limit():
    assert MOST_BYTES < 512_000
    assert len(list(split_by_size([plan("爵" * 5000) for _ in range(60)]))) > 1
