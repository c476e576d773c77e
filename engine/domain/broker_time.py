"""The broker's clock: its wall time written as if it were UTC, as MetaTrader keeps it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

_QUARTER = 900
#: A tick that moved is this fresh at most, and its distance to a whole quarter no more than that.
_FRESH_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerTime:
    """``offset_seconds`` is what the broker's clock is ahead of UTC now. ``zone``, where it is
    known, is what it follows: it also says what the offset was before a change to summer time.
    """

    offset_seconds: int
    zone: tzinfo | None = None

    def utc(self, seconds: float) -> datetime:
        """The instant of a broker time in seconds."""
        wall = datetime.fromtimestamp(seconds, UTC)
        if self.zone is None:
            return wall - timedelta(seconds=self.offset_seconds)
        return wall.replace(tzinfo=self.zone).astimezone(UTC)

    def seconds(self, instant: datetime) -> int:
        """The broker time of an instant, in seconds."""
        if self.zone is None:
            return int(instant.timestamp()) + self.offset_seconds
        return int(instant.astimezone(self.zone).replace(tzinfo=UTC).timestamp())


def offset_of(tick_ms: int, now: datetime) -> int | None:
    """The offset that a tick of just now shows, or None when it cannot be one of just now."""
    ahead = tick_ms / 1000 - now.timestamp()
    rounded = round(ahead / _QUARTER) * _QUARTER
    if abs(rounded) > 86_400 or abs(ahead - rounded) > _FRESH_SECONDS:
        return None
    return rounded
