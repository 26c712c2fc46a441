"""A real S3 server on this machine (moto's), and the ways in which clones of it lie, refuse and break."""

import io
import logging
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any, Literal, Self

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

KEY, SECRET = "the-key-id", "the-secret-key"
Manner = Literal["real", "ignores", "refuses", "oss"]
Fault = Literal["slow down", "reset", "lost answer", "denied", "held before", "held after"]

logging.getLogger("werkzeug").setLevel(logging.ERROR)


@dataclass(frozen=True)
class Seen:
    """One request, and how much went out for it."""

    method: str
    path: str
    headers: Mapping[str, str]
    query: str
    sent_bytes: int = 0


class Service:
    """An S3 service, as it is reached."""

    url: str
    key = KEY

    @property
    def options(self) -> dict[str, Any]:
        """What a store needs to reach it."""
        return {"endpoint_url": self.url, "key": self.key, "secret": SECRET, "skip_instance_cache": True}

    def environment(self) -> dict[str, str]:
        """What a team that uses it has in its environment."""
        return {"AWS_ENDPOINT_URL": self.url, "AWS_ACCESS_KEY_ID": self.key, "AWS_SECRET_ACCESS_KEY": SECRET}

    def make_bucket(self, name: str) -> None:
        import s3fs

        s3fs.S3FileSystem(**self.options).mkdir(name)


class S3Server(Service):
    """An S3 server with buckets in memory.

    Args:
        manner: How it takes conditional creates: as AWS does (real), not at all though it accepts them (ignores),
            never (refuses: 501), or like Alibaba OSS (501, but its own header works).
    """

    def __init__(self, manner: Manner = "real") -> None:
        self.manner = manner
        self.seen: list[Seen] = []
        self._faults: deque[tuple[Fault, Callable[[str, str], bool]]] = deque()
        self._holds, self._may_go = threading.Event(), threading.Event()
        self._turns = threading.Lock()  # moto itself looks and writes in two steps
        self._app = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True, request_handler=_Quiet)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def fail(self, fault: Fault, *, times: int = 1, method: str = "", path: str = "") -> None:
        """Lets the next matching requests go wrong."""
        for _ in range(times):
            self._faults.append((fault, lambda m, p: method in ("", m) and path in p))

    def forgive(self) -> None:
        """Forgets the faults that are still to come."""
        self._faults.clear()

    def hold(self, when: Literal["before", "after"], path: str) -> None:
        """Lets the next upload to a path of this pattern get no answer, before or after it is acted on."""
        self._holds.clear()
        self._may_go.clear()
        held: Fault = "held before" if when == "before" else "held after"
        self._faults.append((held, lambda m, p: m in ("PUT", "POST") and fnmatch(p, path)))

    def await_held(self, seconds: float) -> bool:
        """Waits until that upload is held; returns whether it is."""
        return self._holds.wait(seconds)

    def let_go(self) -> None:
        """Hangs up on what is held; it is not acted on any more."""
        self._may_go.set()

    def sent_bytes(self, path: str) -> int:
        """How many bytes of bodies went out for paths with this in them."""
        return sum(seen.sent_bytes for seen in self.seen if path in seen.path)

    def puts(self, path: str) -> list[Seen]:
        """The uploads to paths with this in them."""
        return [seen for seen in self.seen if seen.method == "PUT" and path in seen.path]

    def _answer(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        if "HTTP_TRANSFER_ENCODING" not in environ:
            environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
        fault = self._due(method, path)
        if fault == "slow down":
            return self._refuse(environ, start, "503 Slow Down", "SlowDown")
        if fault == "denied":
            return self._refuse(environ, start, "403 Forbidden", "AccessDenied")
        if fault == "held before":
            self._hold()
        if fault in ("reset", "held before"):
            return self._hang_up(environ)
        understood = dict(environ)
        conditional = self._conditional(understood)
        if conditional == "refused":
            return self._refuse(environ, start, "501 Not Implemented", "NotImplemented")
        status: list[Any] = []
        with self._turns:
            body = b"".join(self._app(understood, lambda *args: status.extend(args)))
        self._saw(environ, len(body))
        if fault == "held after":
            self._hold()
        if fault in ("lost answer", "held after"):
            return self._hang_up(environ)
        if conditional == "oss" and status[0].startswith("412"):
            return _error(start, "409 Conflict", "FileAlreadyExists")
        start(*status)
        return [body]

    def _hold(self) -> None:
        self._holds.set()
        self._may_go.wait()

    def _conditional(self, environ: dict[str, Any]) -> str | None:
        if self.manner == "ignores":
            environ.pop("HTTP_IF_NONE_MATCH", None)
        elif self.manner != "real" and "HTTP_IF_NONE_MATCH" in environ:
            return "refused"
        elif self.manner == "oss" and environ.get("HTTP_X_OSS_FORBID_OVERWRITE") == "true":
            environ["HTTP_IF_NONE_MATCH"] = "*"
            return "oss"
        return None

    def _due(self, method: str, path: str) -> Fault | None:
        for entry in self._faults:
            if entry[1](method, path):
                self._faults.remove(entry)
                return entry[0]
        return None

    def _saw(self, environ: dict[str, Any], sent: int) -> None:
        headers = {
            name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")
        }
        if "CONTENT_TYPE" in environ:
            headers["content-type"] = environ["CONTENT_TYPE"]
        sent = 0 if environ["REQUEST_METHOD"] == "HEAD" else sent
        self.seen.append(
            Seen(environ["REQUEST_METHOD"], environ["PATH_INFO"], headers, environ.get("QUERY_STRING", ""), sent)
        )

    def _refuse(self, environ: dict[str, Any], start: Callable[..., Any], status: str, code: str) -> Iterable[bytes]:
        self._saw(environ, 0)
        return _error(start, status, code)

    def _hang_up(self, environ: dict[str, Any]) -> Iterable[bytes]:
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        return []


def _error(start: Callable[..., Any], status: str, code: str) -> Iterable[bytes]:
    body = f"<Error><Code>{code}</Code><Message>{code} for you</Message></Error>".encode()
    start(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
    return [body]


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *_: object) -> None:
        pass

    def log_error(self, *_: object) -> None:
        pass
