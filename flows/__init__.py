"""What happens, in which order: validate, upload, create, poll, persist, as Prefect flows.

Importing this package is cheap; Prefect is loaded with the first flow that is used.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flows.edit_batch import edit_batch
    from flows.edit_video import edit_video
    from flows.sweep import sweep
    from flows.watch_inbox import watch_inbox

__all__ = ["edit_batch", "edit_video", "sweep", "watch_inbox"]


class _Package(ModuleType):
    """Gives a flow, not the module of the same name that holds it, whichever was imported first."""

    def __getattr__(self, name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{self.__name__}.{name}"), name)

    def __setattr__(self, name: str, value: object) -> None:
        is_flow_module = name in __all__ and isinstance(value, ModuleType)
        super().__setattr__(name, getattr(value, name) if is_flow_module else value)


sys.modules[__name__].__class__ = _Package
