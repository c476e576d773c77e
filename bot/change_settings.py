"""What the settings say about proposals to change the configuration."""

from dataclasses import dataclass
from datetime import timedelta

from bot.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How long a proposal waits, whether silence stops trading, and how often the advisor looks by
    itself; None is never.
    """

    life: timedelta
    stops: bool
    every_hours: int | None


def manner_of(settings: Settings) -> Manner:
    """The manner that is set."""
    return Manner(
        life=timedelta(hours=settings.proposal_ttl_hours),
        stops=settings.proposal_expiry_stops,
        every_hours=settings.advisor_every_hours or None,
    )
