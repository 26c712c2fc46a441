"""The control addresses under `/_emulator`: audit, counters, faults, clock, waiting, reset.

They belong to the emulator, not to any provider: they need no key and are never counted.
"""

import asyncio
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from deployments.emulator.audit import Stage, counters, entry
from deployments.emulator.faults import Fault, Operation
from deployments.emulator.world import Awaited, World

_FAULTS = TypeAdapter(list[Fault])
_LONGEST_WAIT = 600.0  # real seconds


async def _audit(request: Request) -> Response:
    world = _world(request)
    world.books.settle(world.clock.now())
    return JSONResponse([entry(task, world.config).model_dump(mode="json") for task in world.books.tasks.values()])


async def _counters(request: Request) -> Response:
    world = _world(request)
    world.books.settle(world.clock.now())
    return JSONResponse(counters(world.tally, world.books).model_dump(mode="json"))


async def _clock(request: Request) -> Response:
    world = _world(request)
    return JSONResponse({"now": world.clock.now(), "scale": world.clock.scale})


async def _advance(request: Request) -> Response:
    world = _world(request)
    try:
        seconds = float((await request.json())["seconds"])
    except (ValueError, KeyError, TypeError):
        return _wrong('Send {"seconds": N} to move provider time forward.')
    if seconds < 0:
        return _wrong("Provider time only moves forward.")
    world.advance(seconds)
    return JSONResponse({"now": world.clock.now(), "scale": world.clock.scale})


async def _faults(request: Request) -> Response:
    world = _world(request)
    if request.method == "DELETE":
        world.faults.set([])
    elif request.method == "PUT":
        try:
            world.faults.set(_FAULTS.validate_json(await request.body()))
        except ValidationError as error:
            return _wrong(str(error))
    return JSONResponse(_FAULTS.dump_python(world.faults.active, mode="json"))


async def _reset(request: Request) -> Response:
    _world(request).reset()
    return Response(status_code=204)


async def _wait(request: Request) -> Response:
    world = _world(request)
    asked = request.query_params
    operation, status, stage = asked.get("operation"), asked.get("status"), asked.get("stage", "settled")
    try:
        count, timeout = int(asked.get("count", "1")), float(asked.get("timeout", "60"))
    except ValueError:
        return _wrong("count and timeout are numbers.")
    if (operation is None) == (status is None) or stage not in get_args(Stage):
        return _wrong("Name an operation (with a stage: received or settled) or a status to wait for.")
    if operation is not None and operation not in get_args(Operation):
        return _wrong(f"Operations are {', '.join(get_args(Operation))}.")
    awaited: dict[str, Any] = {"count": count, "operation": operation, "stage": stage, "status": status}
    try:
        async with asyncio.timeout(min(timeout, _LONGEST_WAIT)):
            await world.wait_for(Awaited(**awaited))
    except TimeoutError:
        return JSONResponse({"reached": False}, 408)
    return JSONResponse({"reached": True})


def _world(request: Request) -> World:
    world = request.app.state.world
    assert isinstance(world, World)
    return world


def _wrong(message: str) -> Response:
    return JSONResponse({"message": message}, 400)


ROUTES = [
    Route("/_emulator/audit", _audit),
    Route("/_emulator/counters", _counters),
    Route("/_emulator/clock", _clock),
    Route("/_emulator/clock/advance", _advance, methods=["POST"]),
    Route("/_emulator/faults", _faults, methods=["GET", "PUT", "DELETE"]),
    Route("/_emulator/reset", _reset, methods=["POST"]),
    Route("/_emulator/wait", _wait),
]
"""The control addresses."""
