"""The files by which the commands of one PREFECT_HOME share one server.

A held *server lock* means that a server lives or is starting; a shared *clients lock* means that a command
still needs it. Nothing else is believed: a file that says otherwise is stale.

- `recut-server.lock`: exclusive, from just before a server is started until its process is gone.
- `recut-clients.lock`: shared by every client; the server takes it alone to stop, so that no client can
  arrive while it goes.
- `recut-server.json`: where the last server was to be found; good only while the server lock is held.
- `recut-server.log`: what the server has to say; bounded in size.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from deployments.local.locks import Lock


@dataclass(frozen=True)
class ServerState:
    """Where a server is to be found.

    Attributes:
        port: Its port on the loopback address.
        pid: Its process id.
    """

    port: int
    pid: int

    @property
    def ui_url(self) -> str:
        """The address for people."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The address for Prefect clients."""
        return f"{self.ui_url}/api"


class Home:
    """A PREFECT_HOME and what a local server keeps in it.

    Attributes:
        path: The folder, made for this user only when it is missing.
        log: Where the server's output goes.
        old_log: The log before that.
    """

    def __init__(self, path: Path) -> None:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = path
        self.log = path / "recut-server.log"
        self.old_log = path / "recut-server.log.1"
        self._state = path / "recut-server.json"

    def server_lock(self) -> Lock:
        """Returns the lock of the one server, not yet taken."""
        return Lock(self.path / "recut-server.lock")

    def clients_lock(self) -> Lock:
        """Returns the lock of all clients, not yet taken."""
        return Lock(self.path / "recut-clients.lock")

    def read_state(self) -> ServerState | None:
        """Returns where the last server was to be found, or None when that is not known."""
        try:
            return ServerState(**json.loads(self._state.read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def write_state(self, state: ServerState) -> None:
        """Publishes where the server is to be found; a reader sees all of it or nothing."""
        draft = self._state.with_suffix(f".{state.pid}")
        draft.write_text(json.dumps(asdict(state)))
        draft.replace(self._state)

    def forget_state(self) -> None:
        """Removes what a dead server left, so that nobody looks for its successor there."""
        self._state.unlink(missing_ok=True)
