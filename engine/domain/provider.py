"""The provider of the language model, and how this installation is connected to it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from engine.domain.secret import Secret


class Provider(StrEnum):
    """Who serves the model; all of them speak OpenAI's protocol."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    GEMINI = "gemini"
    OLLAMA = "ollama"

    @property
    def shown(self) -> str:
        """What people call it."""
        return "OpenAI" if self is Provider.OPENAI else self.value.capitalize()


class ConnectionMode(StrEnum):
    """Where the credential is from: the settings, a stored key, OAuth; NONE needs none."""

    SETTING = "setting"
    KEY = "key"
    OAUTH = "oauth"
    NONE = "none"


class Lost(StrEnum):
    """Why there is no connection."""

    NEVER = "never"
    BY_PERSON = "by_person"
    EXPIRED = "expired"
    REFUSED = "refused"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A connection that somebody made, as it is stored; the credential itself is in the vault.

    ``lost`` None is connected. ``base_url`` is an address that a person typed; None is the one of
    the settings. ``claim`` numbers the refreshes, of which one at a time is under way, until
    ``claimed_until``; ``failures`` counts those in a row that came to nothing.
    """

    provider: Provider
    mode: ConnectionMode
    by: str
    at: datetime
    version: int
    lost: Lost | None = None
    base_url: str | None = None
    expires_at: datetime | None = None
    claim: int = 0
    claimed_until: datetime | None = None
    failures: int = 0
    next_try_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the settings say of the provider. ``base_url`` is where it is; ``key`` the one of the
    settings, which goes before every stored one.
    """

    provider: Provider
    enabled: bool
    model: str | None
    base_url: str
    key: Secret | None

    @property
    def needs_key(self) -> bool:
        """Whether it asks for a credential at all; one on one's own machine does not."""
        return self.provider is not Provider.OLLAMA


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What a request carries, and where it goes. ``is_typed`` tells that a person typed the
    address, so that it may lead to public places only.
    """

    key: Secret | None
    base_url: str
    is_typed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What an authorization server issues; ``life`` None means that it did not say."""

    access: Secret
    refresh: Secret | None
    life: timedelta | None


class AiReach(StrEnum):
    """What came of a connection test."""

    ONLINE = "online"
    NOT_CONNECTED = "not_connected"
    KEY = "key"
    FORBIDDEN = "forbidden"
    NO_API = "no_api"
    NO_MODEL = "no_model"
    BUSY = "busy"
    FAILING = "failing"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    NAME = "name"
    TLS = "tls"
    CLOSED = "closed"
    REDIRECT = "redirect"
    GARBLED = "garbled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """An answer to a connection test, with the names of the models that are offered."""

    reach: AiReach
    models: tuple[str, ...] = ()

    def has(self, model: str) -> bool:
        """Whether a model is offered, by its name with or without a folder or a tag."""
        return any(
            model == known or known.endswith(f"/{model}") or known.startswith(f"{model}:")
            for known in self.models
        )
