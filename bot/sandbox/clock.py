"""The sandbox's own time: the machine's, moved forward at will to see things expire."""

import time


class Clock:
    def __init__(self) -> None:
        self._ahead = 0.0

    def now(self) -> float:
        """Unix seconds."""
        return time.time() + self._ahead

    def unix(self) -> int:
        return int(self.now())

    def steady(self) -> float:
        """Seconds that never jump when the machine's clock is set."""
        return time.monotonic() + self._ahead

    def advance(self, seconds: float) -> None:
        """A negative number sets the clock back: the bot's and Telegram's need not agree."""
        self._ahead += seconds
