"""Which account a venue stands for: what its own name is, and whether real money moves there."""

from hashlib import sha256
from urllib.parse import urlsplit

from bot.settings import Settings
from bot.venues import AnyBroker
from broker.binance.venue import BinanceBroker
from broker.mt5.venue import Mt5Broker
from broker.mt_bridge.venue import MtBridge
from broker.oanda.venue import OandaBroker
from broker.paper import PaperBroker
from engine.domain.live import AccountKind, Identity
from engine.errors import BrokerSilent
from engine.ports import Identify
from storage.transaction import PostgresStore

#: MetaTrader's trade modes; anything else is looked at as real money.
_PLAY = ("demo", "contest")


def identify_of(
    settings: Settings,
    store: PostgresStore,
    broker: AnyBroker,
) -> Identify:
    """What tells which account the venue has now. It never raises."""
    if isinstance(broker, MtBridge):
        return _Terminal(store, broker.account_id)
    if isinstance(broker, Mt5Broker):
        return _Connector(broker)
    if isinstance(broker, BinanceBroker):
        return _Fixed(_exchange(settings, is_live=broker.is_live))
    if isinstance(broker, OandaBroker):
        return _Fixed(_oanda(settings, is_live=broker.is_live))
    # A venue that is forgotten here does not pass the type checker, nor for play money.
    assert isinstance(broker, PaperBroker)
    return _Fixed(Identity(venue="paper", name=broker.account_id, kind=AccountKind.DEMO))


class _Fixed:
    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    async def __call__(self) -> Identity:
        return self._identity


def _exchange(settings: Settings, *, is_live: bool) -> Identity:
    """The server and a digest of the key: another key may be another account."""
    key = settings.binance_api_key
    secret = "" if key is None else key.get_secret_value()
    mark = sha256(secret.encode()).hexdigest()[:12]
    return Identity(
        venue="binance",
        name=f"{mark}@{urlsplit(settings.binance_url).hostname}",
        kind=AccountKind.REAL if is_live else AccountKind.DEMO,
    )


def _oanda(settings: Settings, *, is_live: bool) -> Identity:
    """The account's own number and the server it is on."""
    return Identity(
        venue="oanda",
        name=f"{settings.oanda_account}@{urlsplit(settings.oanda_url).hostname}",
        kind=AccountKind.REAL if is_live else AccountKind.DEMO,
    )


class _Terminal:
    """The account of the terminal that is connected."""

    def __init__(self, store: PostgresStore, account_id: str) -> None:
        self._store, self._account_id = store, account_id

    async def __call__(self) -> Identity:
        async with self._store.begin() as tx:
            terminal = await tx.terminals.read(self._account_id)
        if terminal is None:
            return _unknown("mt_bridge")
        return _metatrader("mt_bridge", terminal.login, terminal.server, terminal.trade_mode)


class _Connector:
    """The account behind the connector. One that lets no real account in is not asked."""

    def __init__(self, broker: Mt5Broker) -> None:
        self._broker = broker

    async def __call__(self) -> Identity:
        if not self._broker.is_live:
            return Identity(venue="mt5", name=self._broker.account_id, kind=AccountKind.DEMO)
        try:
            told = await self._broker.connector.read("/mt5/account", ("days", "0"))
        except BrokerSilent:
            return _unknown("mt5")
        return _metatrader("mt5", told.get("login"), told.get("server"), told.get("trade_mode"))


def _metatrader(venue: str, login: object, server: object, mode: object) -> Identity:
    if not login or not server or not mode:
        return _unknown(venue)
    kind = AccountKind.DEMO if mode in _PLAY else AccountKind.REAL
    return Identity(venue=venue, name=f"{login}@{server}", kind=kind)


def _unknown(venue: str) -> Identity:
    return Identity(venue=venue, name="", kind=AccountKind.UNKNOWN)
