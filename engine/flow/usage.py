"""The limits with how much of each is used now, who set it, and what another value would do."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from engine.domain.market import Timeframe
from engine.domain.person import Role
from engine.domain.settings import RiskSettings, SettingsVersion, differences
from engine.domain.snapshot import Bundle
from engine.errors import FeedError
from engine.flow.exposures import exposures
from engine.flow.glance import Glance
from engine.flow.limits import Breach, breach
from engine.flow.people import person_at_least
from engine.ports import Store
from engine.snapshot.collect import Collect

#: How far back the author of a value is looked for.
_VERSIONS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The settings in force and what is used of them.

    ``used`` holds the figures that are known, each in its setting's own unit; ``bundle`` is what
    they were read from, None without market data, and ``age`` how old the venue's part of it is.
    ``versions`` begins with the one in force.
    """

    versions: Sequence[SettingsVersion]
    bundle: Bundle | None
    used: Mapping[str, Decimal]
    age: timedelta = timedelta(0)

    @property
    def version(self) -> int:
        """The number of the version in force."""
        return self.versions[0].version

    @property
    def settings(self) -> RiskSettings:
        """The settings in force."""
        return self.versions[0].settings

    @property
    def currency(self) -> str | None:
        """The account's currency, while the venue answers."""
        known = self.bundle is not None and self.bundle.account is not None
        return self.bundle.account.currency if known else None  # type: ignore[union-attr]

    @property
    def open_trades(self) -> int | None:
        """How many trades are or may be open; None while nobody knows."""
        if self.bundle is None or self.bundle.account is None:
            return None
        return len(self.bundle.holdings)

    def set_by(self, name: str) -> SettingsVersion:
        """The version that gave a setting its present value, or the oldest one that is read."""
        for version, before in zip(self.versions, self.versions[1:], strict=False):
            if name in differences(before.settings, version.settings):
                return version
        return self.versions[-1]

    def would_breach(self, after: RiskSettings) -> Breach | None:
        """The limit that other settings would find reached already, unless it is reached now."""
        found = self._breach(after)
        return None if self._breach(self.settings) is not None else found

    def _breach(self, settings: RiskSettings) -> Breach | None:
        seen = self.bundle
        if seen is None or seen.account is None or seen.day is None:
            return None
        return breach(settings, seen.account, seen.day)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLimits:
    """The limits and their use, for whoever may look."""

    store: Store
    collect: Collect
    feed: tuple[str, Timeframe]
    glance: Glance

    async def __call__(self, person_id: int) -> Limits:
        async with self.store.begin() as tx:
            await person_at_least(tx, person_id, Role.VIEWER)
        return await self.now()

    async def now(self) -> Limits:
        """The same, for who was asked for their role already."""
        async with self.store.begin() as tx:
            versions = await tx.settings.risk_versions(_VERSIONS)
        try:
            bundle = await replace(self.collect, broker=self.glance)(*self.feed)
        except FeedError:
            return Limits(versions=versions, bundle=None, used={})
        age = (await self.glance.look()).age
        return Limits(versions=versions, bundle=bundle, used=used(bundle), age=age)


def used(bundle: Bundle) -> dict[str, Decimal]:
    """What is used of each limit that can be used up, by the gate's own figures."""
    found = {"strategy_daily_budget": _ideas_today(bundle)}
    if bundle.quote is not None:
        found["max_spread_pips"] = bundle.instrument.pips(bundle.quote.spread)
    if bundle.account is None:
        return found
    held = bundle.holdings
    ways = Counter((one.symbol, one.direction) for one in held)
    found |= {
        "max_concurrent_trades": Decimal(len(held)),
        "max_trades_per_direction": Decimal(max(ways.values(), default=0)),
    }
    equity = bundle.account.equity
    if bundle.day is not None:
        found |= {
            "max_daily_loss_percent": bundle.day.loss_percent(equity),
            "max_drawdown_amount": bundle.day.drawdown(equity),
            "daily_profit_target": bundle.day.profit(equity),
        }
    return found | _exposure(bundle)


def _ideas_today(bundle: Bundle) -> Decimal:
    """Ideas of the busiest strategy on the market's day, as the gate's guardrail counts them."""
    today = bundle.instant.date()
    counts = Counter(past.strategy_id for past in bundle.recent if past.at.date() == today)
    return Decimal(max(counts.values(), default=0))


def _exposure(bundle: Bundle) -> dict[str, Decimal]:
    """The value of all that is open and the largest net value of one currency, in % of equity."""
    seen = exposures(bundle)
    if seen is None or seen.unvalued or not seen.equity > 0:
        return {}
    worst = max((max(each.long, each.short) for each in seen.by_currency), default=Decimal(0))
    return {
        "max_exposure_percent": seen.total * 100 / seen.equity,
        "max_currency_exposure_percent": worst * 100 / seen.equity,
    }
