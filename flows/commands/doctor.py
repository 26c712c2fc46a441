"""`recut doctor`: checks everything a run needs; creates nothing."""

import asyncio
import uuid
from dataclasses import asdict, dataclass
from importlib.metadata import version

from rich.text import Text

from blocks.clients.store import StorageFailed, Store
from blocks.clients.transport import CallFailed
from deployments.local import ServerUnreachable, prefect_server
from flows.commands.messages import out, plain, print_json, tell
from flows.rules.failures import advice
from flows.rules.job import Provider
from flows.settings import RunOptions, Settings


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
    findings = [_prefect(), *asyncio.run(_all(options))]
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


def _prefect() -> Finding:
    try:
        with prefect_server() as server:
            kind = "recut's own local server" if server.embedded else "configured server"
            return Finding("prefect", True, f"Prefect {version('prefect')}, {kind} at {server.url}")
    except ServerUnreachable as error:
        return Finding("prefect", False, str(error))


async def _all(options: RunOptions) -> list[Finding]:
    settings = Settings().with_options(options)
    findings = [await _provider(provider, settings) for provider in Provider]
    if all(finding.ok is None for finding in findings):
        findings.append(Finding("providers", False, "neither has a key, so no job can run"))
    return [*findings, *await _storage(options)]


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


async def _storage(options: RunOptions) -> list[Finding]:
    from flows.run import open_run

    try:
        async with open_run(options) as run:
            return [
                Finding("journal", True, f"{run.journal.store.url}: exclusive creation is real"),
                await asyncio.to_thread(_results, run.results),
            ]
    except (StorageFailed, ValueError) as error:
        return [Finding("storage", False, str(error))]


def _results(store: Store) -> Finding:
    probe = f".doctor-{uuid.uuid4().hex}"
    store.write(probe, b"recut")
    store.remove(probe)
    return Finding("results", True, f"{store.url} can be written")
