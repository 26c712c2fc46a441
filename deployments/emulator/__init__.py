"""A local provider that speaks DashScope's and APIYI's dialects, keeps their rules and really edits.

It shares no code with recut on purpose: it is a second reading of the providers' pages.
"""

from deployments.emulator.audit import AuditEntry, Counters
from deployments.emulator.catalog import HAPPYHORSE, WAN
from deployments.emulator.config import EmulatorConfig, Limits, RunTime
from deployments.emulator.faults import (
    Answer,
    Delay,
    Fate,
    Fault,
    File,
    Garble,
    Hang,
    Report,
    Reset,
    Rows,
)
from deployments.emulator.server import Emulator, serve

__all__ = [
    "HAPPYHORSE",
    "WAN",
    "Answer",
    "AuditEntry",
    "Counters",
    "Delay",
    "Emulator",
    "EmulatorConfig",
    "Fate",
    "Fault",
    "File",
    "Garble",
    "Hang",
    "Limits",
    "Report",
    "Reset",
    "Rows",
    "RunTime",
    "serve",
]
