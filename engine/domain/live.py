"""Real money: what must hold before an order may go to a real account, as facts and items."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from engine.domain.settings import RiskSettings

#: What is asked for. A new mandatory item is a new number: who confirmed less has to look again.
CHECKLIST = 1


class AccountKind(StrEnum):
    """What a venue says of its account; UNKNOWN counts as real money that nobody has looked at."""

    REAL = "real"
    DEMO = "demo"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Which account this is: the kind of venue, and the account by the venue's own name for it,
    such as ``5012345@Broker-Live``. ``name`` is empty while the venue does not say.
    """

    venue: str
    name: str
    kind: AccountKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """The limits that a person had before them when they confirmed."""

    risk_per_trade_percent: Decimal
    max_daily_loss_percent: Decimal
    max_drawdown_amount: Decimal
    max_lot_size: Decimal
    max_concurrent_trades: int
    max_exposure_percent: Decimal

    def is_looser(self, than: "Core") -> bool:
        """Whether any of them allows more."""
        return not all(
            getattr(self, name) <= getattr(than, name) for name in self.__dataclass_fields__
        )


def core_of(settings: RiskSettings) -> Core:
    """The core limits of the settings."""
    return Core(**{name: getattr(settings, name) for name in Core.__dataclass_fields__})


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """An admin's word for one account, at one venue, under these limits and this checklist."""

    account_id: str
    venue: str
    name: str
    checklist: int
    core: Core
    person_id: int
    by: str
    at: datetime


class Need(StrEnum):
    """The items. The order here is the order in which they are shown."""

    SWITCH = "switch"
    BROKER = "broker"
    REAL = "real"
    CHAT = "chat"
    LIMITS = "limits"
    DRAWDOWN = "drawdown"
    CALENDAR = "calendar"
    FEED = "feed"
    HISTORY = "history"
    ADMIN = "admin"
    CLOCK = "clock"
    STOP = "stop"
    CONFIRMED = "confirmed"
    SECOND = "second"


#: Good to have, and no reason to refuse an order.
ADVISED = frozenset((Need.SECOND,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item. ``why`` is a code of why it does not hold, where there is more than one reason."""

    need: Need
    holds: bool
    why: str | None = None

    @property
    def is_mandatory(self) -> bool:
        """Whether an order to a real account waits for it."""
        return self.need not in ADVISED


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveView:
    """What a decision about a real account rests on: the mandatory items that do not hold."""

    account: str
    missing: tuple[str, ...]

    @property
    def may_trade(self) -> bool:
        """Whether an order may go there."""
        return not self.missing


#: Nobody looked: nothing is known to hold.
UNSEEN = LiveView(account="", missing=tuple(str(need) for need in Need if need not in ADVISED))
