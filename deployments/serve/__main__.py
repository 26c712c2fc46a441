"""`python -m deployments.serve`: everything that turns drops into edits, on this machine, until Ctrl-C."""

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final, NoReturn

from deployments.demo_provider import CLOCK_SCALE, demo_provider
from deployments.local import ServerInfo, ServerUnreachable, prefect_server
from deployments.local.home import Home
from deployments.local.join import join
from deployments.serve.children import Child

LOOK_SECONDS: Final = 1.0
SAMPLE: Final = Path(__file__).parents[1] / "samples" / "bigbuckbunny.mp4"
_KEYS: Final = ("DASHSCOPE_API_KEY", "APIYI_API_KEY", "RECUT_CREDENTIALS")


def main() -> int:
    """Serves until Ctrl-C or SIGTERM; returns the exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):  # started in the background, a shell lets it ignore Ctrl-C
        signal.signal(number, signal.default_int_handler)
    try:
        return _serve(Path(os.environ.get("RECUT_HOME") or "~/.recut").expanduser())
    except KeyboardInterrupt:
        print("\nStopped; what runs at the provider runs on, and is picked up when this starts again.")
        return 0


def _serve(home: Path) -> int:
    log = home / "serve.log"
    inbox = _settle_places()
    os.environ.setdefault("RECUT_SERVER_IDLE_SECONDS", "5")  # the server goes when its last user has gone
    os.environ.setdefault("PREFECT_WORKER_QUERY_SECONDS", "2")
    with ExitStack() as open_until_end:
        if not any(os.environ.get(name) for name in _KEYS):
            print("No API key is set: a local provider plays the part of the real one; nothing is paid.")
            print("It stays for five minutes after this has stopped, so that what runs there can be picked up.")
            _use_demo_provider(open_until_end, home / "demo")
        try:
            server = open_until_end.enter_context(prefect_server())
        except ServerUnreachable as error:
            print(error, file=sys.stderr)
            return 2
        if (code := _deploy(log)) != 0:
            return code
        children = [Child("worker", ("prefect", "worker", "start", "--pool", "recut", "--name", "serve"), log)]
        if inbox is not None:
            children.append(Child("inbox notifier", ("deployments.relay.folder", str(inbox)), log))
        try:
            for child in children:
                child.start()
            _say_what_to_do(server, inbox, log)
            _keep_running(server, children)
        finally:
            for child in children:
                child.let_go()
            for child in children:
                child.await_end()


def _settle_places() -> Path | None:
    """Makes the places absolute, since a worker runs elsewhere; returns the inbox where it is a folder here."""
    for name, usual in (("RECUT_RESULTS", "results"), ("RECUT_INBOX", "inbox")):
        place = os.environ.get(name) or usual
        os.environ[name] = place if "://" in place else str(Path(place).expanduser().absolute())
    if "://" in os.environ["RECUT_INBOX"]:
        return None
    inbox = Path(os.environ["RECUT_INBOX"])
    inbox.mkdir(parents=True, exist_ok=True)
    return inbox


def _use_demo_provider(open_until_end: ExitStack, folder: Path) -> None:
    provider = open_until_end.enter_context(demo_provider(folder))
    os.environ.pop("DASHSCOPE_API_REGION", None)
    os.environ |= {
        "DASHSCOPE_API_KEY": "sk-recut-demo",
        "DASHSCOPE_HTTP_BASE_URL": f"{provider.url}/api/v1",
        "APIYI_API_KEY": "sk-recut-demo",
        "APIYI_BASE_URL": provider.url,
        "RECUT_CLOCK_SCALE": str(CLOCK_SCALE),
    }


def _deploy(log: Path) -> int:
    done = subprocess.run(
        [sys.executable, "-m", "deployments.deploy"], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    with log.open("ab") as file:
        file.write(done.stdout + done.stderr)
    if done.returncode != 0:
        print(f"The deployments could not be made; what Prefect said is in {log}.", file=sys.stderr)
    return done.returncode


def _say_what_to_do(server: ServerInfo, inbox: Path | None, log: Path) -> None:
    if inbox is None:
        print(f"Drops into {os.environ['RECUT_INBOX']} are looked for every minute.")
    else:
        print(f"Drop a clip and its prompt into {inbox}, for example:")
        print(f"  cp {SAMPLE} {inbox}/bunny.mp4; echo 'Turn the scene into claymation' > {inbox}/bunny.txt")
    print(f"Results, sidecars and gallery.html: {os.environ['RECUT_RESULTS']}")
    print(f"Runs and deployments: {server.ui_url}")
    print(f"Log: {log}")
    print("Ctrl-C stops everything.", flush=True)


def _keep_running(server: ServerInfo, children: list[Child]) -> NoReturn:
    """Starts again whatever ends by itself."""
    while True:
        time.sleep(LOOK_SECONDS)
        if server.embedded:
            with suppress(ServerUnreachable):
                join(Home(Path(os.environ["PREFECT_HOME"])))
        for child in children:
            if child.has_ended():
                print(f"The {child.name} has ended and is started again.", flush=True)
                child.start()


if __name__ == "__main__":
    raise SystemExit(main())
