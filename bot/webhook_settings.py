"""What the settings say about webhook mode, checked before anything is started."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from bot.codes import is_strong
from bot.settings import TELEGRAM, Settings
from engine.errors import InvalidInput

#: Where the route is; Telegram, or one's own proxy, posts there.
PATH = "/telegram/webhook"
_LOCAL = ("127.0.0.1", "::1", "localhost")
_PORTS = (443, 80, 88, 8443)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A webhook as the settings want it, checked."""

    url: str
    secret: SecretStr
    host: str
    port: int
    certificate: Path | None
    key: Path | None
    self_signed: bool


def plan_of(settings: Settings) -> Plan | None:
    """The webhook that the settings ask for; None for long polling. Raises :class:`InvalidInput`
    naming the setting that cannot be.
    """
    if settings.telegram_webhook_url is None:
        return None
    certificate, key = settings.telegram_webhook_certificate, settings.telegram_webhook_key
    if (certificate is None) is not (key is None):
        raise InvalidInput(
            "TELEGRAM_WEBHOOK_CERTIFICATE and TELEGRAM_WEBHOOK_KEY belong together: set both, or"
            " neither behind a proxy of your own"
        )
    for path in filter(None, (certificate, key)):
        if not path.is_file():
            raise InvalidInput(f"{path} of the webhook's certificate is not a file")
    if settings.telegram_webhook_self_signed and certificate is None:
        raise InvalidInput("TELEGRAM_WEBHOOK_SELF_SIGNED needs TELEGRAM_WEBHOOK_CERTIFICATE")
    return Plan(
        url=_url(settings, settings.telegram_webhook_url),
        secret=_secret(settings),
        host=settings.telegram_webhook_host,
        port=settings.telegram_webhook_port,
        certificate=certificate,
        key=key,
        self_signed=settings.telegram_webhook_self_signed,
    )


def _url(settings: Settings, url: str) -> str:
    """The address Telegram is given; without a path it gets ours."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidInput(f"TELEGRAM_WEBHOOK_URL is no address: {error}") from error
    local = parts.scheme == "http" and parts.hostname in _LOCAL and not settings.is_production
    if not parts.hostname or parts.username or not (parts.scheme == "https" or local):
        raise InvalidInput("TELEGRAM_WEBHOOK_URL must be such as https://bot.example.org")
    if settings.telegram_api_url.rstrip("/") == TELEGRAM and (port or 443) not in _PORTS:
        raise InvalidInput("TELEGRAM_WEBHOOK_URL: Telegram calls ports 443, 80, 88 and 8443 only")
    return url if parts.path not in ("", "/") else url.rstrip("/") + PATH


def _secret(settings: Settings) -> SecretStr:
    """The secret; a guessable one would let anybody speak as anybody."""
    secret = settings.telegram_webhook_secret
    how = "make one with: openssl rand -hex 32"
    if secret is None:
        raise InvalidInput(f"TELEGRAM_WEBHOOK_SECRET is not set; {how}")
    text = secret.get_secret_value()
    if settings.is_production and not is_strong(text):
        raise InvalidInput(f"TELEGRAM_WEBHOOK_SECRET is too easy to guess; {how}")
    return secret
