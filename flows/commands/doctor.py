"""`recut doctor`: checks everything a run needs; creates nothing."""

import asyncio
import uuid
from dataclasses import asdict, dataclass
from importlib.metadata import version

from rich.text import Text

from blocks.clients.probe import LEAST_FREE_BYTES, probe
from blocks.clients.store import StorageFailed, Store
from blocks.clients.transport import CallFailed
from deployments.local import ServerUnreachable, prefect_server
from flows.admission.choice import keeper_of_limits
from flows.commands.messages import out, print_json, tell
from flows.rules.failures import advice
from flows.rules.job import Provider
from flows.rules.plain import plain
from flows.running.places import open_places
from flows.running.settings import LimitsKeeper, RunOptions, Settings


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes:
        check: What was checked.
        ok: Whether it is in order; None when it is not used and so does not matter.
        found: What was found, and what to do if it is not in order.
    """

    check: str
    ok: bool | None
    found: str


def run_doctor(options: RunOptions, as_json: bool) -> int:
    """Shows what is in order and what is not; returns 2 when something is not."""
    findings = [*_prefect(), *asyncio.run(_all(options))]
    sound = not any(finding.ok is False for finding in findings)
    if as_json:
        print_json({"ok": sound, "checks": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            mark = {True: Text("✓ ", "green"), False: Text("✗ ", "red"), None: Text("· ", "dim")}[finding.ok]
            tell(out, mark + Text(f"{finding.check}: ", "bold") + Text(plain(finding.found)))
        out.print("Everything a run needs is in order." if sound else "Something needs mending before a run.")
        out.print("Nothing was created.")
    return 0 if sound else 2


def _prefect() -> list[Finding]:
    settings = Settings()
    try:
        with prefect_server() as server:
            kind = "recut's own local server" if server.embedded else "configured server"
            found = Finding("prefect", True, f"Prefect {version('prefect')}, {kind} at {server.url}")
            return [found, _limits(keeper_of_limits(settings, server.url), server.url)]
    except ServerUnreachable as error:
        return [Finding("prefect", False, str(error))]


def _limits(keeper: LimitsKeeper, api_url: str) -> Finding:
    if keeper == "server":
        text = f"kept by the Prefect server at {api_url}, for all machines that use it"
    else:
        text = "kept by this machine, for all its processes; other machines with the same account do not know of them"
    return Finding("limits", True, text)


async def _all(options: RunOptions) -> list[Finding]:
    settings = Settings().with_options(options)
    findings = [await _provider(provider, settings) for provider in Provider]
    if all(finding.ok is None for finding in findings):
        findings.append(Finding("providers", False, "neither has a key, so no job can run"))
    return [*findings, *await _storage(settings)]


async def _provider(provider: Provider, settings: Settings) -> Finding:
    from blocks.credentials import CredentialsMissing, load_credentials

    check = f"provider {provider}"
    try:
        credentials = await load_credentials(provider, settings.credentials, settings.region)
    except CredentialsMissing as error:
        return Finding(check, None, f"not used: {error}".removesuffix("; nothing was created"))
    except ValueError as error:
        return Finding(check, False, str(error))
    client = credentials.get_client()
    where = f"{client.base_url} ({client.endpoint_region}), account {client.account}"
    try:
        known = await _known(client)
    except CallFailed as error:
        return Finding(check, False, f"{where}: {str(error).rstrip('.')}; {advice(error.failure)}")
    finally:
        await client.close()
    return Finding(check, True, f"{where}: the key is accepted{known}")


async def _known(client: object) -> str:
    """Asks the cheapest thing that needs the key, and returns what it tells besides."""
    from blocks.clients.apiyi import ApiyiClient
    from blocks.clients.dashscope import DashScopeClient

    if isinstance(client, DashScopeClient):
        quotas = await client.quotas()
        told = [f"{q.model} {q.running} at once" for q in quotas if q.running]
        return f"; limits: {', '.join(told)}" if told else ""
    assert isinstance(client, ApiyiClient)
    # It has no call for limits; looking for a provider task nobody has needs a key just as well.
    await client.get(str(uuid.uuid4()))
    return ""


async def _storage(settings: Settings) -> list[Finding]:
    try:
        places = await open_places(settings)
    except (StorageFailed, ValueError) as error:
        return [Finding("storage", False, str(error))]
    findings = [
        await asyncio.to_thread(_probed, "journal", places.journal),
        await asyncio.to_thread(_probed, "results", places.results),
    ]
    if places.staging is not None:
        findings.append(await asyncio.to_thread(_probed, "staging", places.staging))
    return findings


def _probed(check: str, store: Store) -> Finding:
    try:
        can = probe(store)
    except StorageFailed as error:
        return Finding(check, False, str(error))
    told, missing = [], []
    if check == "journal":
        told.append(
            f"exclusive creation is real ({can.exclusive})"
            if can.exclusive
            else "exclusive creation is not real, so recut writes its records one at a time, under leased Prefect "
            "concurrency limits: slower, and all runs must share one Prefect server"
        )
    if check == "results" and not can.publishes_whole:
        told.append("files appear before they are complete")
    if not can.lists_at_once:
        missing.append("a listing does not show at once what was written, so a run could overlook a record")
    if check == "staging" and can.unsigned_because:
        missing.append(f"providers cannot fetch from it: {can.unsigned_because}")
    elif can.signs:
        told.append("signed URLs answer")
    if can.free_bytes is not None:
        room = f"{can.free_bytes / 1e9:,.1f} GB free"
        (told if can.free_bytes >= LEAST_FREE_BYTES else missing).append(room)
    return Finding(check, not missing, "; ".join([f"{store.url} can be written", *missing, *told]))
