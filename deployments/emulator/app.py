"""The emulator as one ASGI application."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from starlette.applications import Starlette

from deployments.emulator import apiyi, control, dashscope, page, results, upload_form
from deployments.emulator.config import EmulatorConfig
from deployments.emulator.world import World


def make_app(config: EmulatorConfig) -> Starlette:
    """Build the application; its state lives from start-up to shutdown in `app.state.world`."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        with _data_folder(config) as folder:
            world = World(config, folder)
            app.state.world = world
            driving = asyncio.create_task(world.run())
            try:
                yield
            finally:
                driving.cancel()
                world.close()

    routes = [
        *page.ROUTES,
        *control.ROUTES,
        *dashscope.ROUTES,
        *apiyi.ROUTES,
        *upload_form.ROUTES,
        *results.ROUTES,
    ]
    app = Starlette(routes=routes, lifespan=lifespan)
    app.router.redirect_slashes = False
    return app


@contextlib.contextmanager
def _data_folder(config: EmulatorConfig) -> Iterator[Path]:
    if config.data_folder is not None:
        config.data_folder.mkdir(parents=True, exist_ok=True)
        yield config.data_folder
        return
    with tempfile.TemporaryDirectory(prefix="recut-emulator-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)
