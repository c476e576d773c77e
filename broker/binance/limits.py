"""How often the exchange may be asked: its weight, its "too many", its ban.

By rest-api.md, "IP Limits" and "Order Rate Limits". The limits are an address's: every process of
one machine shares them, and each learns of the others by the header of every answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from engine.errors import BrokerRefused

_USED = "X-MBX-USED-WEIGHT-1M"
#: Asking stops at this part of the limit; what is left is for orders and exits.
_KEPT_FREE = 0.8
#: A pause where the exchange names none: for too many orders, and for a ban, whose least is two
#: minutes.
_PAUSES = {429: timedelta(seconds=10), 418: timedelta(minutes=2)}
_LONGEST = timedelta(days=3)


@dataclass(slots=True)
class Limits:
    """``weight`` is the exchange's limit a minute, ``used`` what its last answer said of it."""

    weight: int = 6_000
    used: int = 0
    _minute: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    _since: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    _pause: timedelta = timedelta()

    def pass_or_refuse(self, now: datetime, *, urgent: bool) -> None:
        """Let a request go; raises :class:`BrokerRefused` when it must not be sent."""
        if left := self._left(now):
            seconds = int(left.total_seconds()) + 1
            raise BrokerRefused(f"the exchange asked for a pause of {seconds} more seconds")
        if not urgent and _minute(now) == self._minute and self.used >= self.weight * _KEPT_FREE:
            raise BrokerRefused("this minute's weight is used up but for orders")

    def note(self, status: int, headers: Mapping[str, str], now: datetime) -> None:
        """What an answer said of the limits."""
        told = headers.get(_USED, "")
        if told.isdecimal():
            self.used, self._minute = int(told[:9]), _minute(now)
        if status not in _PAUSES:
            return
        wait, pause = headers.get("Retry-After", ""), _PAUSES[status]
        if wait.isdecimal():
            pause = min(timedelta(seconds=int(wait[:9])), _LONGEST)
        self._since, self._pause = now, max(self._left(now), pause)

    def _left(self, now: datetime) -> timedelta:
        """What is left of the pause. By a clock that was set back since nobody can say: the
        exchange is asked, and says it again.
        """
        passed = now - self._since
        return self._pause - passed if timedelta() <= passed < self._pause else timedelta()


def _minute(now: datetime) -> datetime:
    return now.replace(second=0, microsecond=0)
