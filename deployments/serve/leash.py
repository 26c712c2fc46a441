"""Runs a Python module that ends when the process that started it does: `python -m deployments.serve.leash MODULE …`.

The leash is standard input: its other end belongs to whoever started this process, and the kernel lets go of it
however that one ends.
"""

import os
import runpy
import signal
import sys
import threading


def main() -> None:
    """Runs the module named by the first argument as if Python had been started with it."""
    threading.Thread(target=_end_with_the_leash, daemon=True).start()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _end_with_the_leash() -> None:
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
