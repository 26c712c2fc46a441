"""`recut emulator`: run the local provider alone."""

from pathlib import Path

import yaml

from deployments.emulator import EmulatorConfig, serve
from flows.commands.messages import out


def run_emulator(port: int | None, clock_scale: float | None, config: Path | None) -> int:
    """Runs the emulator until Ctrl-C.

    Raises:
        ValueError: A setting that cannot be used.
        OSError: The configuration cannot be read, or the port cannot be had.
    """
    try:
        settings = EmulatorConfig.from_file(config) if config else EmulatorConfig()
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{config} is not valid YAML: {error}") from error
    said = {"port": port, "clock_scale": clock_scale}
    given = {name: value for name, value in said.items() if value is not None}
    settings = EmulatorConfig.model_validate({**settings.model_dump(exclude_unset=True), **given})

    def ready(url: str) -> None:
        out.print(f"The local provider answers at {url} (a page to look at, and the addresses below).\n")
        out.print("Point recut, the official SDK or curl at it:")
        out.print(f"  export DASHSCOPE_HTTP_BASE_URL={url}/api/v1 DASHSCOPE_API_KEY=sk-anything")
        out.print(f"  export APIYI_BASE_URL={url} APIYI_API_KEY=sk-anything")
        if settings.clock_scale != 1:
            out.print(f"  export RECUT_CLOCK_SCALE={settings.clock_scale:g}")
        out.print(f"\nIts books: {url}/_emulator/audit and {url}/_emulator/counters. Ctrl-C stops it.")

    try:
        serve(settings, on_ready=ready)
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        raise OSError(f"cannot listen on {where} ({error.strerror}); choose another --port, 0 takes any") from error
    return 0
