"""A provider's result of any size, served by a process of its own as fast as the kernel sends."""

import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.clips import make_clip

SERVER = """
import http.server, os, re, sys
class Handler(http.server.SimpleHTTPRequestHandler):
    def copyfile(self, source, target):
        self.wfile.flush()
        sent, size = 0, os.fstat(source.fileno()).st_size
        while sent < size:
            sent += os.sendfile(self.connection.fileno(), source.fileno(), sent, size - sent)
    def log_message(self, *_):
        pass
os.chdir(sys.argv[1])
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""


def make_result(folder: Path, size: int) -> Path:
    """Writes a playable video of a size: a short clip, filled up behind with a box that says nothing."""
    made = make_clip(folder / "result.mp4", faststart=True)
    with made.open("ab") as file:
        left = size - file.tell()
        file.write(struct.pack(">I4s", left, b"free"))
        for _ in range((left - 8) // (1 << 20)):
            file.write(bytes(1 << 20))
        file.write(bytes((left - 8) % (1 << 20)))
    return made


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serves a folder; gives its URL."""
    process = subprocess.Popen([sys.executable, "-c", SERVER, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.wait()


def curl() -> str:
    """Returns the command, which the comparison needs."""
    found = shutil.which("curl")
    assert found, "the comparison needs curl"
    return found
