"""OpenStack Swift on this machine, which speaks S3 too: a server that shares no code with moto's.

It is Debian's (python3-swift), with one device and no replicas, and all of it lies in a temporary folder. Nothing
caches for it: it finds no memcached, and does without.
"""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from tests.deployments.standing import eventually, free_port
from tests.needed import without
from tests.s3 import SECRET, Service

#: Debian installs Swift for its own interpreter, here without this one's path.
PYTHON = ("/usr/bin/python3", "-I", "-c")
STORING = ("account", "container", "object")

_MAKE_RINGS = """
import sys
from swift.common.ring import RingBuilder

folder, *servers = sys.argv[1:]
for server in servers:
    name, port = server.split(":")
    ring = RingBuilder(part_power=1, replicas=1, min_part_hours=0)
    ring.add_dev({"region": 1, "zone": 1, "ip": "127.0.0.1", "port": int(port), "device": "device", "weight": 1})
    ring.rebalance()
    ring.get_ring().save(f"{folder}/{name}.ring.gz")
"""
_SERVE = """
import sys
from swift.common.utils import set_swift_dir
from swift.common.wsgi import run_wsgi

folder, server = sys.argv[1:]
set_swift_dir(folder)
sys.exit(run_wsgi(f"{folder}/{server}.conf", f"{server}-server"))
"""
# Left to its usual patience, Swift would on a busy machine give its only device up, and put listings off.
_ANY = """
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
user = {user}
swift_dir = {folder}
workers = 0
log_level = CRITICAL
conn_timeout = 60
node_timeout = 60
"""
_STORES = """
devices = {folder}
mount_check = false
fallocate_reserve = 0
container_update_timeout = 60

[pipeline:main]
pipeline = {server}-server

[app:{server}-server]
use = egg:swift#{server}
"""
# Without its logging Swift says too much after a HEAD of what is not there, and the next answer cannot be read.
_SPEAKS_S3 = """
[pipeline:main]
pipeline = proxy-logging cache s3api tempauth slo proxy-server

[filter:proxy-logging]
use = egg:swift#proxy_logging

[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:1

[filter:s3api]
use = egg:swift#s3api

[filter:tempauth]
use = egg:swift#tempauth
user_team_editor = {secret} .admin

[filter:slo]
use = egg:swift#slo

[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
"""


class SwiftServer(Service):
    """Swift's four servers, as processes of their own."""

    key = "team:editor"

    def __enter__(self) -> Self:
        if not _runs("import swift.common.middleware.s3api"):
            without("Swift is not installed (Debian: python3-swift)")
        with ExitStack() as stack:
            folder = Path(tempfile.mkdtemp(prefix="recut-swift-"))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            self._settle(folder)
            for server in self._ports:
                running = subprocess.Popen([*PYTHON, _SERVE, folder, server], stderr=subprocess.DEVNULL)
                stack.callback(running.wait)
                stack.callback(running.kill)
            eventually(lambda: all(map(_listens, self._ports.values())), "Swift listens")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _settle(self, folder: Path) -> None:
        """Writes down what the servers are told, and where they find each other."""
        device = folder / "device"
        device.mkdir()
        try:
            os.setxattr(device, "user.swift", b"")
        except OSError as error:
            without(f"Swift keeps what it knows of a file in attributes that {folder.parent} does not take: {error}")
        self._ports = {server: free_port() for server in (*STORING, "proxy")}
        self.url = f"http://127.0.0.1:{self._ports['proxy']}"
        user = pwd.getpwuid(os.geteuid()).pw_name
        for server, port in self._ports.items():
            form = _ANY + (_STORES if server in STORING else _SPEAKS_S3)
            said = form.format(folder=folder, server=server, port=port, user=user, secret=SECRET)
            (folder / f"{server}.conf").write_text(said)
        (folder / "swift.conf").write_text("[swift-hash]\nswift_hash_path_suffix = recut\n")
        rings = [f"{server}:{self._ports[server]}" for server in STORING]
        subprocess.run([*PYTHON, _MAKE_RINGS, folder, *rings], check=True)


def _runs(code: str) -> bool:
    try:
        return subprocess.run([*PYTHON, code], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True
