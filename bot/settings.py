"""What a process is told from outside: the environment, a .env file, or a folder of secrets."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from re import compile as pattern
from typing import Literal
from urllib.parse import unquote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.ai_settings import AiFields
from bot.durations import duration
from bot.paper_settings import PaperFields
from bot.server_settings import ServerFields
from engine.errors import InvalidInput

TELEGRAM = "https://api.telegram.org"
_SECRET = pattern(r"[A-Za-z0-9_-]{1,256}")
#: The last @ ends it: whoever wrote an address by hand may have left one inside.
_PASSWORD = pattern(r"://[^:/@]*:(\S+)@")


_SECOND, _MINUTE, _HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


class Settings(AiFields, PaperFields, ServerFields, BaseSettings):
    """Read once, at a process's start. What a person changes while it runs is in the database."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True)

    app_env: Literal["development", "staging", "production"] = "development"
    ai_trader_home: Path = Field(default_factory=lambda: Path.home() / ".local/share/ai-trader")

    #: Where the history is anchored; better on another disk than the database's.
    anchor_file: Path | None = None

    telegram_bot_token: SecretStr | None = None
    telegram_api_url: str = TELEGRAM
    #: Where Telegram calls us; without it updates are fetched by long polling.
    telegram_webhook_url: str | None = None
    #: What every call carries; Telegram's own alphabet.
    telegram_webhook_secret: SecretStr | None = None
    telegram_webhook_host: str = "127.0.0.1"
    telegram_webhook_port: int = Field(default=8443, ge=0, le=65_535)
    #: For TLS without a proxy: PEM files; a self-signed certificate is handed to Telegram.
    telegram_webhook_certificate: Path | None = None
    telegram_webhook_key: Path | None = None
    telegram_webhook_self_signed: bool = False
    chat_port: int = Field(default=8088, ge=0, le=65_535)

    #: How often traders are reminded of a halt that none of them has seen; 0 is never.
    halt_reminder_minutes: int = Field(default=15, ge=0, le=1440)

    #: How long a proposal to change the configuration waits, whether silence then stops trading,
    #: and every how many hours the advisor looks by itself; 0 is never.
    proposal_ttl_hours: int = Field(default=24, ge=1, le=720)
    proposal_expiry_stops: bool = True
    advisor_every_hours: int = Field(default=0, ge=0, le=720)
    #: How many questions one person may ask in a minute.
    ask_per_minute: int = Field(default=12, ge=1, le=600)

    #: Where orders go: simulated, to a MetaTrader terminal, by its Expert Advisor or by the
    #: connector beside it, to Binance spot, or to OANDA.
    broker: Literal["paper", "mt_bridge", "mt5", "binance", "oanda"] = "paper"
    #: Whose prices the paper broker deals at: a recording's, or those of a venue as they come.
    paper_market: Literal["recording", "mt_bridge", "mt5", "binance", "oanda"] = "recording"
    #: Whether a real account may be traded; without it only demo accounts are let in.
    live_trading_enabled: bool = False

    #: Where the Expert Advisor's endpoint listens; a proxy with a certificate stands before it.
    ea_host: str = "127.0.0.1"
    ea_port: int = Field(default=8090, ge=0, le=65_535)
    #: Whether the caller's address is the last entry of X-Forwarded-For.
    ea_behind_proxy: bool = False
    #: What is traded at MetaTrader: symbol:timeframe or symbol=broker's name:timeframe, by commas.
    ea_symbols: str = "EURUSD:H1"
    #: What the broker's clock follows, such as Europe/Athens; without it its present offset.
    ea_clock_zone: str | None = None
    #: How far the price may have moved when the terminal deals, in points.
    ea_max_deviation_points: int = Field(default=30, ge=1, le=100_000)

    #: Where the connector on the terminal's machine is, and what it asks for.
    mt5_connector_url: str | None = None
    mt5_connector_token: SecretStr | None = None
    #: Binance spot: a key that may trade and not withdraw; the address of its test network is the
    #: default, another one needs LIVE_TRADING_ENABLED.
    binance_api_key: SecretStr | None = None
    binance_api_secret: SecretStr | None = None
    binance_url: str = "https://testnet.binance.vision"
    #: What is traded there, all against one currency: symbol:timeframe, by commas.
    binance_symbols: str = "BTCUSDT:H1"
    #: OANDA v20: a token, and the account's number; the address of its practice is the default,
    #: another one needs LIVE_TRADING_ENABLED.
    oanda_token: SecretStr | None = None
    oanda_account: str | None = None
    oanda_url: str = "https://api-fxpractice.oanda.com"
    #: What is traded there: symbol:timeframe or symbol=OANDA's name:timeframe, by commas.
    oanda_symbols: str = "EURUSD:H1"
    #: How far from the price of now an order may still be dealt.
    oanda_max_slippage_pips: Decimal = Field(default=Decimal(3), gt=0, le=1_000)

    #: Somebody's EA server that model signals are pushed to; the key goes along as X-API-Key.
    ea_push_enabled: bool = False
    ea_server_url: str | None = None
    #: Or by its parts: http://ea_server_ip:ea_server_port/signals.
    ea_server_ip: str | None = None
    ea_server_port: int = Field(default=8080, ge=1, le=65_535)
    ea_api_key: SecretStr | None = None
    #: Seconds: between two rounds, for an answer, and until a signal is too old to be sent.
    ea_push_interval: int = Field(default=30, ge=1, le=3_600)
    ea_request_timeout: int = Field(default=10, ge=1, le=120)
    ea_signal_life: int = Field(default=300, ge=10, le=86_400)

    #: Outbound webhooks: their secrets are derived from the master, the one before signs too.
    webhook_secret: SecretStr | None = None
    webhook_secret_previous: SecretStr | None = None
    #: Whether they may be on this machine or in a private network.
    webhooks_allow_private: bool = False
    #: An endpoint by setting, by the names of source 000; 500ms, 5s, 1m30s, or seconds.
    openclaw_webhook_url: SecretStr | None = None
    openclaw_timeout: timedelta = Field(default=timedelta(seconds=10), ge=_SECOND, le=_MINUTE)
    openclaw_max_retries: int = Field(default=10, ge=0, le=50)
    openclaw_retry_base: timedelta = Field(default=timedelta(seconds=2), ge=_SECOND / 10, le=_HOUR)
    openclaw_retry_max: timedelta = Field(
        default=timedelta(minutes=15), ge=_SECOND / 10, le=24 * _HOUR
    )

    #: Where the HTTP API listens; `up` serves it only with a port.
    api_host: str = "127.0.0.1"
    api_port: int | None = Field(default=None, ge=0, le=65_535)
    #: Whether the caller's address is the last entry of X-Forwarded-For.
    api_behind_proxy: bool = False
    #: Pages of other hosts that may ask with a cookie: https://desk.example.com, by commas.
    api_origins: str = ""
    #: What signs the cookies of sessions: 32 random characters or more; another ends every session.
    jwt_secret: SecretStr | None = None

    #: How a line of the log is written.
    log_format: Literal["text", "json"] = "text"

    #: The economic calendar of these days: a weekly export, or a file of one's own; not both.
    calendar_url: str | None = None
    calendar_file: Path | None = None
    #: How often it is fetched, and how old the last good fetch may be.
    calendar_poll_minutes: int = Field(default=60, ge=5, le=1_440)
    calendar_max_age_minutes: int = Field(default=240, ge=10, le=10_080)
    #: RSS and Atom feeds, with commas.
    news_feeds: str = ""
    news_poll_minutes: int = Field(default=15, ge=5, le=1_440)
    #: Whether feeds may be on this machine or in a private network.
    feeds_allow_private: bool = False

    #: Seconds until a venue is asked again for a symbol's candles, and for the account's figures.
    snapshot_interval_seconds: int = Field(default=60, ge=1, le=3_600)
    account_snapshot_interval_seconds: int = Field(default=30, ge=5, le=3_600)
    #: How far back candles are fetched; 0 is as far as indicators need. How long they are kept.
    candle_history_days: int = Field(default=0, ge=0, le=3_650)
    candle_keep_days: int = Field(default=400, ge=30, le=36_500)

    #: Hours until a new model is trained instead of an approved one that grew old; 0 is never.
    model_retrain_hours: int = Field(default=0, ge=0, le=8_760)

    account_id: str = "paper-1"
    account_currency: str = "USD"
    #: The broker's: its midnight begins the day that the limits are measured on.
    broker_timezone: str = "UTC"

    @field_validator("telegram_webhook_secret")
    @classmethod
    def _spoken(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and not _SECRET.fullmatch(secret.get_secret_value()):
            raise ValueError("has 1 to 256 of the characters A-Z a-z 0-9 _ -")
        return secret

    @field_validator("openclaw_webhook_url", mode="before")
    @classmethod
    def _given(cls, url: object) -> object:
        return None if url == "" else url

    @field_validator("openclaw_timeout", "openclaw_retry_base", "openclaw_retry_max", mode="before")
    @classmethod
    def _duration(cls, value: object) -> object:
        return duration(value) if isinstance(value, str) else value

    @field_validator(
        "ai_trader_home", "anchor_file", "calendar_file", "market_recording",
        "telegram_webhook_certificate", "telegram_webhook_key",
    )  # fmt: skip
    @classmethod
    def _expand(cls, path: Path | None) -> Path | None:
        return None if path is None else path.expanduser()

    @field_validator("broker_timezone", "ea_clock_zone")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        if name is None:
            return None
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError("is no time zone; write one such as Europe/Athens or UTC") from error
        return name

    @property
    def anchor_path(self) -> Path:
        """The anchor file: the one that was given, else the one of the home folder."""
        return self.anchor_file or self.ai_trader_home / "anchors.jsonl"

    @property
    def is_production(self) -> bool:
        """Whether real people and perhaps real money depend on this process."""
        return self.app_env != "development"


def read_settings(secrets_dir: Path | None = None) -> Settings:
    """The settings of this process; raises :class:`InvalidInput` naming each wrong variable.

    ``APP_SECRETS_DIR`` names a folder with one file per secret, named as its variable.
    """
    folder = secrets_dir or _Location().app_secrets_dir
    if folder is not None and not folder.is_dir():
        raise InvalidInput(f"APP_SECRETS_DIR names {folder}, which is not a folder")
    try:
        return Settings(_secrets_dir=folder)  # type: ignore[call-arg]
    except ValidationError as error:
        wrong = "; ".join(
            f"{str(found['loc'][0]).upper()}: {found['msg']}" for found in error.errors()
        )
        # Not from it: what it tells holds the values.
        raise InvalidInput(f"settings are wrong: {wrong}") from None


def secrets_in(settings: Settings) -> frozenset[str]:
    """Every secret that the settings hold, passwords inside addresses too."""
    found = set()
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            # Keys stand behind their ids, several by commas.
            text = value.get_secret_value()
            found |= {text, *(part.strip().partition(":")[2] for part in text.split(","))}
        elif isinstance(value, str) and (password := _PASSWORD.search(value)):
            found |= {password[1], unquote(password[1])}
    return frozenset(found - {""})


class Reread:
    """Whether the settings are still those that were there when this was made."""

    def __init__(self) -> None:
        self._first = read_settings()

    def __call__(self) -> tuple[str, ...]:
        """The names of variables that are others now, never their values; raises
        :class:`InvalidInput` as :func:`read_settings` does.
        """
        now = read_settings()
        return tuple(
            name.upper()
            for name in Settings.model_fields
            if getattr(now, name) != getattr(self._first, name)
        )


class _Location(BaseSettings):
    model_config = SettingsConfigDict(env_file=".env", extra="ignore")

    app_secrets_dir: Path | None = None
