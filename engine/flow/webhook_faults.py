"""What is wrong with outbound webhooks, as findings; trading goes on whatever they do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.domain.diagnosis import Finding, Level
from engine.domain.webhooks import Endpoint, Off
from engine.ports import Store, Transaction

#: A failure or a delivery that waits is worth a word after so long: what comes of one lost answer
#: is tried again within seconds.
PATIENCE = timedelta(minutes=10)
#: An endpoint that switched itself off; who switched one off themselves need not be told.
_OFF = {Off.GONE: "webhook_gone", Off.FAILING: "webhook_given_up"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FindWebhookFaults:
    """Endpoints that are switched off by failures, that take nothing, and for which something waits
    that nobody sends.
    """

    store: Store

    async def __call__(self) -> Sequence[Finding]:
        async with self.store.begin() as tx:
            now = await tx.now()
            found = [await _of(tx, endpoint, now) for endpoint in await tx.webhooks.list()]
        return [finding for finding in found if finding is not None]


async def _of(tx: Transaction, endpoint: Endpoint, now: datetime) -> Finding | None:
    facts: dict[str, str | int] = {"id": endpoint.id, "host": endpoint.host}
    if endpoint.off is not None:
        code = _OFF.get(endpoint.off)
        return None if code is None else Finding(code=code, level=Level.WARNING, facts=facts)
    oldest = await tx.webhooks.oldest(endpoint.id)
    facts["count"] = await tx.webhooks.waiting(endpoint.id)
    failing = endpoint.failing_since
    if failing is not None and now - failing >= PATIENCE:
        facts |= {"minutes": _minutes(now - failing), "failures": endpoint.failures}
        return Finding(code="webhook_failing", level=Level.WARNING, facts=facts)
    if failing is None and oldest is not None and now - oldest >= PATIENCE:
        facts["minutes"] = _minutes(now - oldest)
        return Finding(code="webhook_waits", level=Level.WARNING, facts=facts)
    return None


def _minutes(length: timedelta) -> int:
    return int(length.total_seconds()) // 60
