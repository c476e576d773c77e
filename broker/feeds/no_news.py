"""No news feed: what a market recording without headlines has."""

from datetime import datetime

from engine.domain.snapshot import Headline


class NoNews:
    """The port ``News`` with nothing to say."""

    async def latest(self, instant: datetime) -> tuple[Headline, ...]:
        """Nothing."""
        return ()
