"""The outside world as Prefect blocks a team saves once: credentials and storage, and the clients they yield.

Importing this package is cheap; Prefect is loaded with the first block that is used.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from blocks.credentials import ApiyiCredentials, DashScopeCredentials
    from blocks.storage import VideoStorage

__all__ = ["ApiyiCredentials", "DashScopeCredentials", "VideoStorage"]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("blocks.storage" if name == "VideoStorage" else "blocks.credentials"), name)
