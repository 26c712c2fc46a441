"""An account's own limits take the place of the catalogue's, number by number, and cost one call per run."""

import pytest

from blocks.clients.dashscope import DashScopeClient, Quota
from deployments.emulator import Emulator, EmulatorConfig, Limits
from flows.admission.own_quotas import own_quotas, with_own
from flows.rules.catalog import SINGAPORE, Catalog
from flows.rules.job import WAN, Provider
from flows.running.run import open_run
from flows.running.settings import RunOptions
from tests.conftest import KEY
from tests.recorder import Reply

pytestmark = pytest.mark.anyio

CATALOGUE = Catalog().offer(Provider.DASHSCOPE, WAN, SINGAPORE).quotas


def test_what_the_account_states_replaces_the_catalogues_and_nothing_else():
    own = with_own(CATALOGUE, Quota(WAN, submits_per_second=50.0, running=500, queued=None))
    assert (own.submits_per_second, own.running) == (50, 500)
    assert (own.queued, own.queries_per_second) == (CATALOGUE.queued, CATALOGUE.queries_per_second)


def test_without_a_word_of_the_account_the_catalogue_holds():
    assert with_own(CATALOGUE, None) == CATALOGUE


async def test_a_run_asks_once_and_goes_by_the_answer(providers, monkeypatch):
    with Emulator(EmulatorConfig(port=0, limits=Limits(submits_per_second=9, running=40))) as larger:
        monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", larger.dashscope_base_url)
        async with open_run(RunOptions()) as run:
            for _ in range(3):
                assert (await run.lane(Provider.DASHSCOPE, WAN)).slots == 44
            offer = run.offer(await run.endpoint(Provider.DASHSCOPE, WAN))
            assert (offer.quotas.submits_per_second, offer.quotas.running) == (9, 40)
        assert larger.counters().operations["dashscope limits"].received == 1


async def test_an_account_that_does_not_answer_leaves_the_catalogues(recorder):
    recorder.reply = lambda _asked: Reply(status=403, body=b'{"code": "AccessDenied", "message": "no"}')
    client = DashScopeClient(KEY, f"{recorder.url}/api/v1", SINGAPORE)
    assert await own_quotas(client) == {}
    await client.close()
