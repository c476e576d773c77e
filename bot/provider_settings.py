"""What the settings say of the language model's provider, checked; and its use cases."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from pydantic import SecretStr

from bot.addresses import is_address
from bot.codes import new_token
from bot.settings import Settings
from broker.ai.models import OpenAiModels
from broker.ai.tokens import OAuthServer
from engine.domain.diagnosis import Finding, Level
from engine.domain.provider import Lost, Plan, Provider
from engine.domain.secret import Secret
from engine.errors import InvalidInput
from engine.flow.provider import CheckProvider, DisconnectProvider, ReadProvider, StoreKey
from engine.flow.provider_oauth import FinishOAuth, StartOAuth
from engine.flow.provider_refresh import RefreshProvider
from engine.ports import Bell, Store
from storage.rotation import unreadable
from storage.sealing import KeyRing

#: Each speaks OpenAI's protocol at this address.
_PLACES = {
    Provider.OPENAI: "https://api.openai.com/v1",
    Provider.ANTHROPIC: "https://api.anthropic.com/v1",
    Provider.GEMINI: "https://generativelanguage.googleapis.com/v1beta/openai",
    Provider.OLLAMA: "http://127.0.0.1:11434/v1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderParts:
    """What is set: the provider, its authorization server if there is one, and how long before its
    end a token is renewed.
    """

    plan: Plan
    server: OAuthServer | None
    skew: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderCases:
    """The use cases of the connection."""

    plan: Plan
    read: ReadProvider
    store_key: StoreKey
    start: StartOAuth
    finish: FinishOAuth
    disconnect: DisconnectProvider
    refresh: RefreshProvider
    check: CheckProvider


def plan_of(settings: Settings) -> Plan:
    """What is set; raises :class:`InvalidInput` naming the setting that is wrong."""
    provider = Provider(settings.llm_provider)
    key = _key(settings.openai_api_key) if provider is Provider.OPENAI else None
    base_url = settings.llm_base_url or _PLACES[provider]
    return Plan(
        provider=provider,
        enabled=settings.llm_enabled,
        model=settings.llm_model or None,
        base_url=_address("LLM_BASE_URL", base_url).rstrip("/"),
        key=key or _key(settings.llm_api_key),
    )


def _key(key: SecretStr | None) -> Secret | None:
    text = "" if key is None else key.get_secret_value().strip()
    if not (text.isascii() and text.isprintable() and " " not in text):
        raise InvalidInput("OPENAI_API_KEY or LLM_API_KEY holds what no key has")
    return Secret(text) if text else None


def server_of(settings: Settings) -> OAuthServer | None:
    """OpenAI's authorization server; None when OAuth is not set up.

    Raises :class:`InvalidInput` when it is half set up, or an address is none.
    """
    needed = {
        "OPENAI_CLIENT_ID": settings.openai_client_id,
        "OPENAI_AUTH_URL": settings.openai_auth_url,
        "OPENAI_TOKEN_URL": settings.openai_token_url,
        "OPENAI_REDIRECT_URI": settings.openai_redirect_uri,
    }
    missing = [name for name, value in needed.items() if not value]
    if len(missing) == len(needed):
        return None
    if missing:
        raise InvalidInput(f"OAuth is half set up: {', '.join(missing)} is missing")
    secret = settings.openai_client_secret
    return OAuthServer(
        auth_url=_secure("OPENAI_AUTH_URL", settings),
        token_url=_secure("OPENAI_TOKEN_URL", settings),
        redirect_uri=_secure("OPENAI_REDIRECT_URI", settings),
        client_id=str(settings.openai_client_id),
        client_secret=None if secret is None else Secret(secret.get_secret_value()),
        scopes=settings.openai_scopes,
    )


def _secure(name: str, settings: Settings) -> str:
    """An address of the settings: of production only over TLS, as secrets go there."""
    url = _address(name, getattr(settings, name.lower()))
    if settings.is_production and urlsplit(url).scheme != "https":
        raise InvalidInput(f"{name} must begin with https:// outside development")
    return url


def _address(name: str, url: str) -> str:
    """An address that can be asked; its text is in no message, as it may hold a token."""
    if not is_address(url) or urlsplit(url).fragment:
        raise InvalidInput(f"{name} must be an address such as https://api.example.org/v1")
    return url


def typed_address(url: str) -> str:
    """An address that a person typed: over TLS only. Whether it is a public one is seen at each
    connection, by what its name means then. Raises :class:`InvalidInput`.
    """
    url = _address("base_url", url).rstrip("/")
    if urlsplit(url).scheme != "https" or urlsplit(url).query:
        raise InvalidInput("base_url must be an address such as https://api.example.org/v1")
    return url


def parts_of(settings: Settings) -> ProviderParts:
    """What is set; raises :class:`InvalidInput` naming the setting that is wrong."""
    plan = plan_of(settings)
    return ProviderParts(
        plan=plan,
        # The settings of OAuth are OpenAI's; another provider has a key.
        server=server_of(settings) if plan.provider is Provider.OPENAI else None,
        skew=timedelta(seconds=settings.openai_refresh_skew),
    )


def build_provider(parts: ProviderParts, store: Store, bell: Bell) -> ProviderCases:
    """The use cases over what is set."""
    plan, server = parts.plan, parts.server
    return ProviderCases(
        plan=plan,
        read=ReadProvider(store=store, plan=plan),
        store_key=StoreKey(store=store, plan=plan, bell=bell),
        start=StartOAuth(store=store, plan=plan, server=server, new_token=new_token),
        finish=FinishOAuth(store=store, plan=plan, server=server, bell=bell),
        disconnect=DisconnectProvider(store=store, plan=plan, bell=bell),
        refresh=RefreshProvider(store=store, plan=plan, server=server, bell=bell, skew=parts.skew),
        check=CheckProvider(store=store, plan=plan, server=OpenAiModels()),
    )


def secret_faults(
    keys: KeyRing, store: Store, plan: Plan
) -> Callable[[], Awaitable[Sequence[Finding]]]:
    """What looks for secrets that cannot be read, and for a model that is wanted and not there."""

    async def look() -> Sequence[Finding]:
        found = []
        lost = await unreadable(keys)
        if lost:
            facts: dict[str, str | int] = {"count": len(lost), "name": lost[0]}
            found.append(Finding(code="secrets_unreadable", level=Level.FAULT, facts=facts))
        status = await ReadProvider(store=store, plan=plan)(None)
        # Who disconnected it themselves, or uses no model, need not be told.
        told = status.lost is not Lost.BY_PERSON and status.lost is not Lost.NEVER
        if status.lost is not None and (plan.enabled or told):
            named: dict[str, str | int] = {"provider": plan.provider.shown}
            code = f"provider_{status.lost}"
            found.append(Finding(code=code, level=Level.WARNING, facts=named))
        return found

    return look
