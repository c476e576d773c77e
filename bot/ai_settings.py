"""The settings of the language model's provider, and of the keys that secrets are kept under."""

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}


def _seconds(value: object) -> object:
    """A whole number of seconds, or one with its unit: 300, 300s, 5m, 1h."""
    found = re.fullmatch(r"([0-9]{1,6})([smh]?)", str(value).strip())
    if found is None:
        raise ValueError("is seconds, or a number with s, m or h such as 5m")
    return int(found[1]) * _UNITS[found[2]]


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
