"""What each kind of storage does in its own way, behind one set of calls; only here is fsspec known."""

from blocks.clients.backends.backend import Ahead, Backend, Labels, said
from blocks.clients.backends.disk import Disk
from blocks.clients.backends.opening import open_backend

__all__ = ["Ahead", "Backend", "Disk", "Labels", "open_backend", "said"]
