"""Threads that race for the same new records, started together for each."""

import threading
from concurrent.futures import ThreadPoolExecutor

from blocks.clients.store import Store

THREADS = 16


def race(store: Store, records: int) -> dict[str, list[bytes]]:
    """Lets every thread create every record; returns by name what those wrote who were told that they created it."""
    start = threading.Barrier(THREADS)
    won: dict[str, list[bytes]] = {f"record-{number}": [] for number in range(records)}

    def create(me: int) -> None:
        content = str(me).encode()
        for name, contents in won.items():
            start.wait()
            try:
                store.create_once(name, content)
            except FileExistsError:
                continue
            contents.append(content)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(create, range(THREADS)))
    return won
