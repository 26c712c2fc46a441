"""The page at `/`: what this is, which addresses to use, and what has been asked lately."""

from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from deployments.emulator.audit import billed_seconds, entry
from deployments.emulator.clock import beijing_text
from deployments.emulator.tasks import ProviderTask
from deployments.emulator.world import World

_ROWS = 50

_STYLE = """
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid #8884;vertical-align:top}
code{background:#8882;padding:.1rem .3rem;border-radius:.2rem}
.scroll{overflow-x:auto}
"""


async def _page(request: Request) -> Response:
    world: World = request.app.state.world
    now = world.clock.now()
    world.books.settle(now)
    host = world.config.public_url or f"{request.url.scheme}://{request.url.netloc}"
    tasks = list(reversed(world.books.tasks.values()))
    rows = "".join(_row(world, host, task) for task in tasks[:_ROWS])
    table = (
        '<div class="scroll"><table><thead><tr><th>Provider task</th><th>Provider</th><th>Model</th>'
        "<th>Prompt</th><th>Status</th><th>Submitted (UTC+8)</th><th>Billed</th><th>Result</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
        if tasks
        else "<p>No provider task yet.</p>"
    )
    return HTMLResponse(f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>recut emulator</title><style>{_STYLE}</style></head><body>
<h1>recut emulator</h1>
<p>A local stand-in for two video-edit providers. It keeps their rules and really edits, costs nothing and
sends nothing anywhere. Any key that starts with <code>sk-</code> will do unless keys were configured.</p>
<ul>
<li>DashScope: <code>DASHSCOPE_HTTP_BASE_URL={escape(host)}/api/v1</code></li>
<li>APIYI: <code>APIYI_BASE_URL={escape(host)}</code></li>
<li>Books: <a href="/_emulator/audit">audit</a>, <a href="/_emulator/counters">counters</a>,
<a href="/_emulator/faults">faults</a>, <a href="/_emulator/clock">clock</a></li>
</ul>
<p>Provider time is {beijing_text(now)} (UTC+8), {world.clock.scale:g} times as fast as yours.
{len(world.faults.active)} faults are switched on. {len(tasks)} provider tasks so far.</p>
<h2>Latest provider tasks</h2>
{table}
</body></html>""")


def _row(world: World, host: str, task: ProviderTask) -> str:
    seen = entry(task, world.config)
    status = f"{task.status} {task.error.code}" if task.error else task.status
    link = ""
    if task.status == "SUCCEEDED" and task.outcome is not None:
        path = f"/{task.outcome.result}"
        expires = int(world.store.results[task.outcome.result].expires)
        link = f'<a href="{escape(f"{host}{path}?{world.signer.query(path, expires)}")}">video</a>'
    cells = (
        f"<code>{escape(task.provider_task_id)}</code>",
        escape(task.rules.provider),
        escape(task.rules.model),
        escape(task.prompt[:120]),
        escape(status),
        beijing_text(task.submitted_at),
        f"{billed_seconds(task, world.config):g} s, {seen.cost:.2f} {seen.currency}",
        link,
    )
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


ROUTES = [Route("/", _page)]
"""The page."""
