"""`recut emulator`: run the local provider alone."""

from pathlib import Path

from deployments.emulator import EmulatorConfig, serve
from flows.commands.messages import out


def run_emulator(port: int | None, clock_scale: float | None, config: Path | None) -> int:
    """Runs the emulator until Ctrl-C."""
    settings = EmulatorConfig.from_file(config) if config else EmulatorConfig()
    said = {"port": port, "clock_scale": clock_scale}
    for name, value in said.items():
        if value is not None:
            settings.__pydantic_validator__.validate_assignment(settings, name, value)

    def ready(url: str) -> None:
        out.print(f"The local provider answers at {url} (a page to look at, and the addresses below).\n")
        out.print("Point recut, the official SDK or curl at it:")
        out.print(f"  export DASHSCOPE_HTTP_BASE_URL={url}/api/v1 DASHSCOPE_API_KEY=sk-anything")
        out.print(f"  export APIYI_BASE_URL={url} APIYI_API_KEY=sk-anything")
        if settings.clock_scale != 1:
            out.print(f"  export RECUT_CLOCK_SCALE={settings.clock_scale:g}")
        out.print(f"\nIts books: {url}/_emulator/audit and {url}/_emulator/counters. Ctrl-C stops it.")

    serve(settings, on_ready=ready)
    return 0
