"""Requests per second, in provider time."""

from collections import deque


class RateWindow:
    """Counts the requests of the last second and says whether one more is allowed.

    Args:
        most: Requests allowed in any one second, or None for no limit.
    """

    def __init__(self, most: int | None) -> None:
        self._most = most
        self._admitted: deque[float] = deque()
        self.peak = 0

    def admit(self, now: float) -> bool:
        """Count a request at provider time `now`; False when it is one too many, and then not counted."""
        while self._admitted and self._admitted[0] <= now - 1:
            self._admitted.popleft()
        if self._most is not None and len(self._admitted) >= self._most:
            return False
        self._admitted.append(now)
        self.peak = max(self.peak, len(self._admitted))
        return True
