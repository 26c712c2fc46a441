"""What one run works with: its settings, clients, stores, limits and clock, opened together and closed together."""

import asyncio
import os
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from prefect.runtime import deployment, flow_run
from prefect.settings import PREFECT_API_URL

from blocks.clients.apiyi import ApiyiClient
from blocks.clients.dashscope import DashScopeClient, Quota
from blocks.clients.probe import check_usable
from blocks.clients.provider import endpoint
from blocks.clients.store import StorageFailed
from blocks.credentials import load_credentials
from flows.admission.choice import keeper_of_limits, open_limits
from flows.admission.own_quotas import own_quotas, with_own
from flows.ledger.experience import Experience
from flows.ledger.guard import Guard
from flows.ledger.journal import Journal, owner_is_gone, runs_here
from flows.ledger.unpublished import Unpublished
from flows.planning.market import Market, market_from_environment
from flows.planning.plan import PlannedJob
from flows.rules.addresses import is_loopback
from flows.rules.budget import Cost, over_cap
from flows.rules.catalog import Catalog
from flows.rules.failures import Failure, stops_the_account
from flows.rules.history import Attempt, Create, History
from flows.rules.history import Step as NextStep
from flows.rules.job import Provider
from flows.rules.offers import Offer
from flows.rules.records import Endpoint
from flows.running.clock import Clock
from flows.running.places import Places, open_places, refuse_passing_folders
from flows.running.progress import Lane, Progress
from flows.running.scratch import scratch_folder
from flows.running.settings import RunOptions, Settings
from flows.running.shared import Shared
from flows.running.stopping import STOPPING, Alive
from flows.running.waking import Waking
from flows.running.window import Window
from flows.telling.outcomes import OverBudget, create_refused, over_budget
from flows.telling.reports import JobReport
from flows.transfer.uploads import Uploads

T = TypeVar("T")
Client = DashScopeClient | ApiyiClient
OnEnd = Callable[[PlannedJob, JobReport], Awaitable[None]]
UPLOADS_AT_ONCE = 4
PERSISTS_AT_ONCE = 8


class Run:
    """Everything the stages need, besides the job itself.

    Attributes:
        settings: The run's settings, options applied.
        catalog: What is offered.
        clock: Real and provider time.
        places: Where results, journal and staging are.
        results: Where results go.
        journal: The durable truth.
        limits: Admission and pace.
        waking: Wakes polls early; it listens where the Prefect server is the one that machines share.
        progress: Who is told what happens.
        scratch: A folder on this machine for files on their way, gone after the run.
        flow_run_id: Prefect's id of the flow run, for the records.
        created: Keys of the jobs this run created a provider task for.
        stopped: Accounts that refuse every create, and why: no further one is sent to them.
        turns: Keeps jobs of one key apart, which would meet in the same scratch files.
        on_end: Called with every job that ends in a shard; whoever hands on jobs while others run listens here.
        experience: How long provider tasks ran so far.
        unpublished: The journal's jobs without a published result.
        window: Bounds how many jobs are under way at once.
        uploading: Bounds how many jobs upload at once.
        persisting: Bounds how many results are fetched and looked at at once.
        uploads: Files on their way to where providers fetch them, or there.
        shared: Work that several jobs want at the same time.
    """

    def __init__(self, settings: Settings, catalog: Catalog, places: Places, journal: Journal, scratch: Path) -> None:
        self.settings = settings
        self.catalog = catalog
        self.clock = Clock(settings.clock_scale)
        self.places = places
        self.results = places.results
        self.journal = journal
        api_url = PREFECT_API_URL.value()
        self.limits = open_limits(settings, api_url)
        self.waking = Waking(listens=keeper_of_limits(settings, api_url) == "server")
        self.progress = Progress.current()
        self.scratch = scratch
        self.flow_run_id = flow_run.get_id()
        self.created: set[str] = set()
        self.stopped: dict[str, Failure] = {}
        self.turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.on_end: OnEnd | None = None
        self.experience = Experience(journal)
        self.unpublished = Unpublished(journal)
        self.window = Window()
        self.uploading = asyncio.Semaphore(UPLOADS_AT_ONCE)
        self.persisting = asyncio.Semaphore(PERSISTS_AT_ONCE)
        self._looking = ThreadPoolExecutor(os.cpu_count() or 1, "looking")
        self.uploads = Uploads(journal.store, self.clock)
        self.shared = Shared()
        self._clients: dict[tuple[Provider, str | None], Client] = {}
        self._own_quotas: dict[str, dict[str, Quota]] = {}
        self._opening = asyncio.Lock()
        self._untorn: set[asyncio.Future[Any]] = set()
        self._reserved: dict[str, list[Cost]] = {}

    async def client(self, provider: Provider, recorded: Endpoint | None = None) -> Client:
        """Returns the client of a provider: today's, or for a resume one at the address recorded at submission.

        Raises:
            CredentialsMissing: No key is configured for it.
        """
        async with self._opening:
            address = recorded.base_url if recorded else None
            found = self._clients.get((provider, address)) or self._clients.get((provider, None))
            if found is None or address not in (None, found.base_url):
                credentials = await load_credentials(
                    provider, self.settings.credentials, self.settings.region if recorded is None else None
                )
                if recorded is not None:
                    credentials = credentials.at(recorded.base_url, recorded.region)
                found = self._clients[provider, address] = credentials.get_client()
        return found

    async def market(self, providers: set[Provider]) -> Market:
        """Returns where jobs run by today's credentials.

        Args:
            providers: The providers that jobs name; each must have a key.

        Raises:
            CredentialsMissing: One has none.
        """
        found = market_from_environment(self.settings, self.catalog)
        clients = {provider: await self.client(provider) for provider in providers}
        local = {provider for provider, client in clients.items() if is_loopback(client.base_url)}
        return replace(
            found,
            regions={**found.regions, **{provider: client.endpoint_region for provider, client in clients.items()}},
            on_this_machine=frozenset(local),
            staging=self.places.staging,
            known=self.places.known,
        )

    async def endpoint(self, provider: Provider, model: str) -> Endpoint:
        """Returns where a new provider task of a model would be created today."""
        return endpoint(await self.client(provider), provider, model)

    async def lane(self, provider: Provider, model: str) -> Lane:
        """Returns the slots that jobs of a model take in turn, as many as the account has."""
        client = await self.client(provider)
        async with self._opening:
            if client.account not in self._own_quotas:
                self._own_quotas[client.account] = await own_quotas(client)
        offer = self.offer(endpoint(client, provider, model))
        times = await self.experience.expected(provider, model, None, offer.run_times, self.clock.monotonic())
        usual = times.median_seconds / self.clock.scale
        return Lane(f"{model} at {provider}", self.limits.slots(offer.quotas), usual)

    def refuse_stopped(self, account: str) -> None:
        """Stops a job before it asks for what its account refused to another one already.

        Raises:
            EditStopped: The account's key or bill is not in order.
        """
        if account in self.stopped:
            raise create_refused(self.stopped[account])

    def remember(self, account: str, failure: Failure) -> None:
        """Remembers a failure that every further create on the account would meet too."""
        if stops_the_account(failure):
            self.stopped.setdefault(account, failure)

    async def next_step(self, job_key: str) -> NextStep:
        """Returns what the journal says is to be done next with a job.

        Raises:
            StorageFailed: It cannot be told; then nothing may be done.
        """
        return self.step_after(await self.journal.history(job_key))

    def step_after(self, history: History) -> NextStep:
        """Returns what is to be done next with a job whose history was just read."""
        return history.next_step(
            self.clock.now(), max_attempts=self.settings.max_attempts, owner_is_gone=owner_is_gone(history)
        )

    def is_alive_here(self, attempt: Attempt) -> bool:
        """Whether another process of this machine still works on an attempt."""
        by = (attempt.submitted or attempt.intent).by
        return by.process != os.getpid() and runs_here(by)

    def is_busy_with(self, job_key: str) -> bool:
        """Whether one of this run's shards has a job in hand."""
        return job_key in self.turns and self.turns[job_key].locked()

    async def provider_task_id(self, job_key: str) -> str | None:
        """Returns the id of a job's newest provider task, None when there is none or it cannot be told."""
        try:
            last = (await self.journal.history(job_key)).last
        except StorageFailed:
            return None
        return last.submitted.provider_task_id if last and last.submitted else None

    async def keep_to_cap(self, plans: Sequence[PlannedJob]) -> None:
        """Reserves what these jobs may cost: what earlier runs spent on them, and what is to be created now.

        It comes on top of what this run has reserved for other jobs.

        Raises:
            OverBudget: Together they would cost more than the cap; nothing was uploaded or created.
        """
        if self.settings.max_cost is None:
            return
        by_key = {plan.job_key: plan for plan in plans if plan.job_key is not None}
        new: list[PlannedJob] = []
        reserved: dict[str, list[Cost]] = {}
        for job_key, plan in by_key.items():
            history = await self.journal.history(job_key)
            reserved[job_key] = history.committed()
            if isinstance(self.step_after(history), Create):
                new.append(plan)
                reserved[job_key].append(plan.cost)
        together = self._reserved | reserved
        if new and (reason := over_cap(chain(*together.values()), self.settings.max_cost)):
            raise OverBudget(reason, [plan.name for plan in new])
        self._reserved = together

    def reserve_again(self, plan: PlannedJob) -> None:
        """Reserves another estimate for a job that is created again though an earlier try may be billed.

        Raises:
            EditStopped: That would pass the cap.
        """
        if self.settings.max_cost is None:
            return
        if reason := over_cap([*chain(*self._reserved.values()), plan.cost], self.settings.max_cost):
            raise over_budget(reason)
        self._reserved.setdefault(plan.job_key or "", []).append(plan.cost)

    def offer(self, where: Endpoint) -> Offer:
        """Returns what is offered at an endpoint, within the account's own limits."""
        offer = self.catalog.offer(where.provider, where.model, where.region)
        own = self._own_quotas.get(where.account, {}).get(where.model)
        return offer.model_copy(update={"quotas": with_own(offer.quotas, own)})

    async def look(self, function: Callable[..., T], *arguments: Any) -> T:
        """Looks at media in a thread: in as many as there are cores, since each holds decoded pictures meanwhile."""
        return await asyncio.get_running_loop().run_in_executor(self._looking, function, *arguments)

    async def to_its_end(self, work: Coroutine[Any, Any, T]) -> T:
        """Does what must not be torn: when the run is interrupted meanwhile, its closing waits for it."""
        task = asyncio.ensure_future(work)
        self._untorn.add(task)
        task.add_done_callback(self._untorn.discard)
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Waits for what must not be torn, and closes all clients."""
        if self._untorn:
            await asyncio.wait(self._untorn)
        await self.waking.close()
        self._looking.shutdown(wait=False)
        await self.limits.close()
        for client in self._clients.values():
            await client.close()

    def scratch_file(self, job_key: str, name: str) -> Path:
        """Returns a path for a file on its way."""
        return self.scratch / f"{job_key}-{quote(name, safe='')}"

    def discard_scratch(self, job_key: str) -> None:
        """Frees the room that a job's files took on their way: all results of a large batch would fill the disk."""
        for file in self.scratch.glob(f"{job_key}-*"):
            file.unlink(missing_ok=True)


_open: ContextVar[Run | None] = ContextVar("open_run", default=None)


@asynccontextmanager
async def open_run(options: RunOptions) -> AsyncIterator[Run]:
    """Opens what a run needs: settings, catalogue, results, journal. A flow inside a flow shares the outer one's.

    Raises:
        StorageFailed: Results or journal cannot be used, so nothing may be spent.
        ValueError: A setting that cannot be used.
    """
    if (outer := _open.get()) is not None:
        STOPPING.hear_again()
        yield outer
        return
    settings = Settings().with_options(options)
    if deployment.get_id():
        refuse_passing_folders(settings)
    catalog = settings.load_catalog()
    places = await open_places(settings)
    journal = Journal(places.journal, alone=Guard().alone)
    await asyncio.gather(journal.prove_exclusive(), asyncio.to_thread(check_usable, places.results))
    with scratch_folder() as scratch:
        run = Run(settings, catalog, places, journal, scratch)
        token, alive, is_stopped = _open.set(run), Alive(), False
        with run.progress.followed_by(alive.see):  # also while it closes: a create may still be at it
            try:
                with STOPPING.heard():
                    yield run
            except asyncio.CancelledError:
                is_stopped = True
                raise
            finally:
                _open.reset(token)
                await run.close()
                if is_stopped:
                    await alive.log(run.provider_task_id)
