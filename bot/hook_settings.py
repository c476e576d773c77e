"""What the settings say about outbound webhooks, checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import urlsplit

from bot.codes import is_strong
from bot.settings import Settings
from broker.feeds.addresses import own_network_too, public_only
from broker.webhooks import HttpWebhooks
from engine.domain.webhooks import Retry
from engine.errors import InvalidInput
from engine.ports import Clock
from storage.webhook_keys import DerivedSecrets

_DIGITS = 12
_HOW = "make one with: openssl rand -hex 32"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Webhooks as the settings want them. ``url`` stands for the address that a setting names."""

    line: HttpWebhooks
    secrets: DerivedSecrets
    retry: Retry
    url: str | None


def is_wanted(settings: Settings) -> bool:
    """Whether anything about webhooks is set: without it nothing is sent."""
    return settings.webhook_secret is not None or settings.openclaw_webhook_url is not None


def plan_of(settings: Settings, clock: Clock) -> Plan:
    """The plan; raises :class:`InvalidInput` naming the setting that is missing or wrong."""
    base, longest = settings.openclaw_retry_base, settings.openclaw_retry_max
    if not base <= longest:
        raise InvalidInput("OPENCLAW_RETRY_BASE must not be more than OPENCLAW_RETRY_MAX")
    url = _url(settings, _line(settings, clock, {}))
    name = None if url is None else _name(url)
    return Plan(
        line=_line(settings, clock, {} if url is None or name is None else {name: url}),
        secrets=DerivedSecrets(_master(settings), _previous(settings)),
        retry=Retry(most=settings.openclaw_max_retries, base=base, longest=longest),
        url=name,
    )


def _line(settings: Settings, clock: Clock, named: Mapping[str, str]) -> HttpWebhooks:
    return HttpWebhooks(
        settings.openclaw_timeout,
        clock,
        permit=own_network_too if settings.webhooks_allow_private else public_only,
        tls_only=settings.is_production,
        named=named,
    )


def _name(url: str) -> str:
    """What is stored and shown of an address that may hold a token: its host, and what tells that
    it is another one. Nothing can be posted to it: an address has no fragment.
    """
    parts = urlsplit(url)
    digest = sha256(url.encode()).hexdigest()[:_DIGITS]
    return f"{parts.scheme}://{parts.netloc}/#OPENCLAW_WEBHOOK_URL-{digest}"


def _url(settings: Settings, line: HttpWebhooks) -> str | None:
    if settings.openclaw_webhook_url is None:
        return None
    url = settings.openclaw_webhook_url.get_secret_value()
    try:
        line.parsed(url)
    except InvalidInput as error:
        raise InvalidInput(f"OPENCLAW_WEBHOOK_URL: {error}") from error
    return url


def _master(settings: Settings) -> str:
    secret = settings.webhook_secret
    if secret is None:
        raise InvalidInput(
            f"WEBHOOK_SECRET is not set; the secret of each webhook is derived from it; {_HOW}"
        )
    text = secret.get_secret_value()
    if not text:
        raise InvalidInput(f"WEBHOOK_SECRET is empty; {_HOW}")
    if settings.is_production and not is_strong(text):
        raise InvalidInput(f"WEBHOOK_SECRET is too easy to guess; {_HOW}")
    return text


def _previous(settings: Settings) -> str | None:
    secret = settings.webhook_secret_previous
    return None if secret is None else secret.get_secret_value() or None
