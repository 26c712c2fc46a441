"""Words for where a provider task and a job stand, and the tolerant reading of the providers' own words."""

from enum import StrEnum


class ProviderState(StrEnum):
    """What the provider says of a provider task."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    UNKNOWN = "unknown"

    @property
    def is_final(self) -> bool:
        """Whether no later look can change it."""
        return self not in (ProviderState.PENDING, ProviderState.RUNNING)


_SYNONYMS = {
    "submitted": ProviderState.PENDING,
    "queued": ProviderState.PENDING,
    "in_progress": ProviderState.RUNNING,
    "completed": ProviderState.SUCCEEDED,
    "success": ProviderState.SUCCEEDED,
    "cancelled": ProviderState.CANCELED,
}


def read_state(word: object) -> ProviderState:
    """Returns the state a provider's word means.

    A word nobody documented means the provider task is still under way: giving a paid result up because of a
    new word would lose it, while looking again costs nothing.
    """
    text = str(word).strip().lower()
    if text in _SYNONYMS:
        return _SYNONYMS[text]
    return ProviderState(text) if text in set(ProviderState) else ProviderState.RUNNING


class JobState(StrEnum):
    """Where a job stands, as people see it."""

    PLANNED = "planned"
    REFUSED = "refused"
    CREATING = "creating"
    RUNNING = "running"
    PUBLISHED = "published"
    FAILED = "failed"
    HELD = "held"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    ABANDONED = "abandoned"
