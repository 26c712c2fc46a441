"""Admission and pace: how many provider tasks are alive at once, and how fast calls follow each other.

Limits belong to an account and a model, whoever uses them: what keeps them must reach every process that does. The
two keepers are `flows.admission.machine` and `flows.admission.server`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from flows.rules.admission import beyond_running
from flows.rules.offers import Quotas
from flows.rules.records import Endpoint


@dataclass(frozen=True)
class OwnLimits:
    """What a team sets in the place of the account's limits; None leaves the account's own.

    Attributes:
        running: How many provider tasks of one account and model may be alive at once.
        submits_per_second: How many creates of one account and model may begin in a second.
        queries_per_second: How often one account may be asked in a second.
    """

    running: int | None = None
    submits_per_second: float | None = None
    queries_per_second: float | None = None


class Limits(ABC):
    """The limits of all accounts a run uses.

    Args:
        own: What the team set itself.
    """

    def __init__(self, own: OwnLimits | None = None) -> None:
        self._own = own or OwnLimits()

    def slots(self, quotas: Quotas) -> int:
        """Returns how many provider tasks of one account and model may be alive at once."""
        if self._own.running is not None:
            return self._own.running
        return quotas.running + min(beyond_running(quotas.running), quotas.queued)

    def submit_rate(self, quotas: Quotas) -> float:
        """Returns how many creates of one account and model may begin in a second."""
        return self._own.submits_per_second or quotas.submits_per_second

    def query_rate(self, quotas: Quotas) -> float:
        """Returns how often one account may be asked in a second."""
        return self._own.queries_per_second or quotas.queries_per_second

    @abstractmethod
    def slot(self, endpoint: Endpoint, quotas: Quotas) -> AbstractAsyncContextManager[None]:
        """Holds one slot of an account and model, from before the create until the provider task is over.

        Raises:
            LimitsUnreachable: Nobody can tell whether there is one.
        """

    @abstractmethod
    def submit_turn(self, endpoint: Endpoint, quotas: Quotas) -> AbstractAsyncContextManager[Callable[[], None]]:
        """Waits for this account's and model's next turn to create; what it gives is called as the POST begins.

        Raises:
            LimitsUnreachable: Nobody can tell whose turn it is.
        """

    @abstractmethod
    async def query_turn(self, endpoint: Endpoint, quotas: Quotas) -> None:
        """Waits for this account's next turn to look."""

    @abstractmethod
    async def close(self) -> None:
        """Gives back what is still held."""


class LimitsUnreachable(Exception):
    """What keeps the limits cannot be asked, so nothing may be created; what runs is followed all the same."""
