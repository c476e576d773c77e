"""The job that keeps the connection to the language model's provider alive."""

from collections.abc import Mapping
from typing import Any

from bot.wiring import Work


async def refresh_provider(ctx: Mapping[str, Any]) -> None:
    """Renew the token that is about to end; may run anywhere and twice."""
    work: Work = ctx["work"]
    await work.refresh_provider()
