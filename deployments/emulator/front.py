"""The counter every request passes: it is counted, met by the faults switched on, handled and answered."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from deployments.emulator.answers import apiyi_error, dashscope_error, oss_error
from deployments.emulator.catalog import Provider
from deployments.emulator.errors import ErrorText, RefusedError
from deployments.emulator.faults import Answer, Delay, Effect, Garble, Hang, Operation, Reset, When
from deployments.emulator.misbehave import Reset as ResetAnswer
from deployments.emulator.misbehave import Silence, garbled
from deployments.emulator.world import World, new_request_id


@dataclass
class Call:
    """One request as the emulator understands it.

    Attributes:
        body: The request's body; only read for creates.
        document: The body as a JSON object, if it is one.
        model: The model it speaks of, as far as that is told.
        prompt: The prompt it speaks of.
        task_id: The provider task it speaks of.
        effects: What the faults do to it.
    """

    world: World
    request: Request
    operation: Operation
    provider: Provider
    request_id: str = field(default_factory=new_request_id)
    body: bytes = b""
    document: dict[str, Any] | None = None
    model: str | None = None
    prompt: str | None = None
    task_id: str | None = None
    effects: list[Effect] = field(default_factory=list)

    def error(self, text: ErrorText) -> Response:
        """A refusal in the envelope of whoever is asked."""
        if self.operation in ("upload", "result"):
            return oss_error(text, self.request, self.request_id)
        if self.provider == "apiyi":
            mislabel = self.world.config.apiyi_mislabels_gzip
            return apiyi_error(text, self.request, self.request_id, mislabel)
        return dashscope_error(text, self.request_id, self.world.clock.now())


Handler = Callable[[Call], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


def counter(operation: Operation, provider: Provider, handler: Handler) -> Endpoint:
    """Make a route's endpoint out of an operation's handler.

    Args:
        operation: What is asked.
        provider: Who is asked.
        handler: Does it; raises RefusedError to refuse.
    """

    async def endpoint(request: Request) -> Response:
        world: World = request.app.state.world
        call = Call(world, request, operation, provider)
        try:
            await _understand(call)
        except ClientDisconnect:
            return Response()  # nobody is left to answer
        world.tally.received[call.provider, operation] += 1
        world.touch()
        call.effects = world.faults.striking(operation, call.provider, call.model, call.prompt, call.task_id)
        answer = await _faulty(call, "before")
        if answer is None:
            answer = await _handled(call, handler)
            answer = await _faulty(call, "after") or answer
        for effect in call.effects:
            if isinstance(effect, Garble) and not isinstance(answer, ResetAnswer | Silence):
                answer = garbled(answer, effect)
        answer.headers["date"] = formatdate(world.clock.now(), usegmt=True)
        world.tally.outcomes[call.provider, operation][_outcome(answer)] += 1
        world.touch()
        return answer

    return endpoint


async def _handled(call: Call, handler: Handler) -> Response:
    """What the provider answers of its own accord."""
    try:
        return await handler(call)
    except RefusedError as refused:
        return call.error(refused.text)
    except ClientDisconnect:
        return Response()


async def _understand(call: Call) -> None:
    """Find out what a request speaks of, without judging it."""
    request = call.request
    if call.operation == "create":
        call.body = await request.body()
        _read_create(call)
    elif call.operation == "policy":
        call.model = request.query_params.get("model")
    elif call.operation == "list":
        call.model = request.query_params.get("model_name")
    elif call.operation in ("get", "cancel", "result"):
        call.task_id = request.path_params.get("task_id")
        if call.operation == "result":
            kept = call.world.store.results.get(request.url.path.removeprefix("/"))
            call.task_id = kept.provider_task_id if kept else None
        task = call.world.books.tasks.get(call.task_id or "")
        if task is not None:
            call.model, call.prompt = task.rules.model, task.prompt
            if call.operation == "result":
                call.provider = task.rules.provider


def _read_create(call: Call) -> None:
    """Note a create's body with its model and prompt, as far as they can be made out."""
    try:
        document = json.loads(call.body)
    except ValueError:
        return
    if not isinstance(document, dict):
        return
    call.document = document
    given = document.get("input")
    model, prompt = document.get("model"), given.get("prompt") if isinstance(given, dict) else None
    call.model = model if isinstance(model, str) else None
    call.prompt = prompt if isinstance(prompt, str) else None


async def _faulty(call: Call, when: When) -> Response | None:
    """Let the faults of one side of the handler happen; an answer ends the request."""
    for effect in call.effects:
        if not isinstance(effect, Answer | Delay | Hang | Reset) or effect.when != when:
            continue
        if isinstance(effect, Delay):
            await call.world.clock.sleep(effect.seconds)
        elif isinstance(effect, Hang):
            return Silence(call.world.closing)
        elif isinstance(effect, Reset):
            if call.operation == "upload" and when == "before":
                await _read_half(call.request)
            return ResetAnswer()
        else:
            return _other_answer(call, effect)
    return None


def _other_answer(call: Call, effect: Answer) -> Response:
    if effect.body is not None:
        return Response(effect.body, effect.status, {"content-type": "application/json", **effect.headers})
    answer = call.error(ErrorText(effect.status, effect.code, effect.message))
    answer.headers.update(effect.headers)
    return answer


async def _read_half(request: Request) -> None:
    """Take in half of a body."""
    half = int(request.headers.get("content-length", "0")) // 2
    taken = 0
    async for piece in request.stream():
        taken += len(piece)
        if taken >= half:
            return


def _outcome(answer: Response) -> str:
    """How a request ended, for the counters."""
    if isinstance(answer, ResetAnswer):
        return "reset"
    if isinstance(answer, Silence):
        return "no answer"
    code = _code(answer)
    return f"{answer.status_code} {code}" if code else str(answer.status_code)


def _code(answer: Response) -> str:
    """The provider's code in a JSON refusal; empty where there is none."""
    if answer.status_code < 400:
        return ""
    try:
        document = json.loads(bytes(answer.body))
        return str(document.get("code") or document["error"]["code"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
