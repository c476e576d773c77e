"""The pauses that OANDA asks for when it is asked too often."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from engine.errors import BrokerRefused

#: Where it names no pause: so long, and twice as long for each further refusal up to the longest.
_FIRST, _LONGEST = timedelta(seconds=1), timedelta(minutes=1)
_TOO_MANY = 429


@dataclass(slots=True)
class Pause:
    """By the development guide of v20: excess requests and connections are answered 429."""

    _since: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    _pause: timedelta = timedelta()
    _step: timedelta = _FIRST

    def pass_or_refuse(self, now: datetime) -> None:
        """Let a request go; raises :class:`BrokerRefused` when it must not be sent."""
        if left := self._left(now):
            seconds = int(left.total_seconds()) + 1
            raise BrokerRefused(f"OANDA asked for a pause of {seconds} more seconds")

    def note(self, status: int, headers: Mapping[str, str], now: datetime) -> None:
        """What an answer said of the limits."""
        if status != _TOO_MANY:
            self._step = _FIRST
            return
        wait, pause = headers.get("Retry-After", ""), self._step
        self._step = min(self._step * 2, _LONGEST)
        if wait.isdecimal():
            pause = min(timedelta(seconds=int(wait[:9])), _LONGEST)
        self._since, self._pause = now, max(self._left(now), pause)

    def _left(self, now: datetime) -> timedelta:
        """What is left of the pause. By a clock that was set back since nobody can say: OANDA is
        asked, and says it again.
        """
        passed = now - self._since
        return self._pause - passed if timedelta() <= passed < self._pause else timedelta()
