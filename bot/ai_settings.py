"""The settings of the language model's provider, and of the keys that secrets are kept under."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings

from bot.durations import duration


def _seconds(value: object) -> object:
    """A number of seconds, or a span such as 5m."""
    return int(duration(str(value)).total_seconds())


class AiFields(BaseSettings):
    """A part of ``Settings``."""

    #: Keys for secrets at rest, ``id:base64`` by commas: the first encrypts, each decrypts.
    encryption_keys: SecretStr | None = None
    #: One such key without an id, as source 000 has it; its id is ``oauth``.
    oauth_encryption_key: SecretStr | None = None

    #: Whether a language model is used at all, whose, and which.
    llm_enabled: bool = False
    llm_provider: Literal["openai", "anthropic", "gemini", "ollama"] = "openai"
    llm_model: str | None = None
    llm_api_key: SecretStr | None = None
    #: Another address than the provider's own: a gateway, or a server of one's own.
    llm_base_url: str | None = None

    #: How long an answer may take until its first piece, and as a whole.
    llm_first_timeout: Annotated[int, BeforeValidator(_seconds), Field(ge=1, le=120)] = 15
    llm_timeout: Annotated[int, BeforeValidator(_seconds), Field(ge=1, le=120)] = 30
    #: What a day may cost: tokens, and money by the prices of a million tokens; 0 is without limit.
    llm_daily_tokens: int = Field(default=200_000, ge=0, le=10**12)
    llm_daily_cost: Decimal = Field(default=Decimal(0), ge=0, le=10**9)
    llm_price_in: Decimal = Field(default=Decimal(0), ge=0, le=10**6)
    llm_price_out: Decimal = Field(default=Decimal(0), ge=0, le=10**6)
    #: Questions of a person in a minute.
    llm_per_minute: int = Field(default=10, ge=1, le=1000)
    #: Days that what it was asked in words, and what came of it, is kept.
    llm_keep_days: int = Field(default=90, ge=1, le=36_500)

    #: OpenAI's key; with one, OAuth is not needed.
    openai_api_key: SecretStr | None = None
    #: This installation as a client of OpenAI's authorization server.
    openai_client_id: str | None = None
    openai_client_secret: SecretStr | None = None
    openai_auth_url: str | None = None
    openai_token_url: str | None = None
    openai_scopes: str = ""
    openai_redirect_uri: str | None = None
    #: How long before its end a token is renewed: seconds, or such as 5m.
    openai_refresh_skew: Annotated[int, BeforeValidator(_seconds), Field(ge=10, le=86_400)] = 300
