"""A breaker: after some failures in a row nobody tries for a while, then one does."""

import time
from collections.abc import Callable


class Breaker:
    """Counts failures in a row, and says whether it is worth trying.

    Args:
        failures: That open it.
        seconds: Until, once open, one call may probe; it opens again for as long if that fails.
        clock: Seconds that do not go back.
    """

    def __init__(
        self, failures: int, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = failures
        self._seconds = seconds
        self._clock = clock
        self._failures = 0
        self._closed_again_at = 0.0

    def allows(self) -> bool:
        """Whether to try now. Of several that ask when the time has come, only the first may."""
        if self._failures < self._limit:
            return True
        now = self._clock()
        if now < self._closed_again_at:
            return False
        # A probe that never reports, since it was cancelled, delays the next one and no more.
        self._closed_again_at = now + self._seconds
        return True

    def succeeded(self) -> None:
        """Close it."""
        self._failures = 0

    def failed(self) -> None:
        """Count a failure, and open it when there were enough."""
        self._failures += 1
        if self._failures >= self._limit:
            self._closed_again_at = self._clock() + self._seconds
