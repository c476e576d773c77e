"""The authorization server over HTTP: RFC 6749, sections 4.1, 5 and 6, with PKCE (RFC 7636)."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit, urlunsplit

from broker.ai.line import Answered, Line, NoAnswer
from engine.domain.exact import read
from engine.domain.provider import Tokens
from engine.domain.secret import Secret
from engine.errors import InvalidInput, ProviderUnavailable, TokenRefused

#: Section 5.2.
_REFUSALS = (
    "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client",
    "unsupported_grant_type", "invalid_scope",
)  # fmt: skip
_LONGEST = 16_384
_LONGEST_LIFE = 10 * 366 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthServer:
    """The port ``TokenServer``. Without a ``client_secret`` this is a public client, which PKCE
    alone protects.
    """

    auth_url: str
    token_url: str
    client_id: str
    client_secret: Secret | None
    redirect_uri: str
    scopes: str
    line: Line = field(default_factory=lambda: Line(largest=64 * 1024))

    def authorization_url(self, state: str, challenge: str) -> str:
        parts = urlsplit(self.auth_url)
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            **({"scope": self.scopes} if self.scopes else {}),
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        query = "&".join(part for part in (parts.query, urlencode(asked)) if part)
        return urlunsplit(parts._replace(query=query))

    async def exchange(self, code: Secret, verifier: Secret) -> Tokens:
        return await self._ask(
            {
                "grant_type": "authorization_code",
                "code": code.reveal(),
                "redirect_uri": self.redirect_uri,
                "code_verifier": verifier.reveal(),
            }
        )

    async def refresh(self, token: Secret) -> Tokens:
        return await self._ask({"grant_type": "refresh_token", "refresh_token": token.reveal()})

    async def _ask(self, form: Mapping[str, str]) -> Tokens:
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
            "User-Agent": "ai-trader",
        }
        sent = dict(form)
        if self.client_secret is None:
            sent["client_id"] = self.client_id
        else:
            # Section 2.3.1: both are form-encoded before they are joined.
            pair = f"{quote_plus(self.client_id)}:{quote_plus(self.client_secret.reveal())}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        try:
            answered = await self.line.ask(
                "POST", self.token_url, headers, urlencode(sent).encode()
            )
        except NoAnswer as problem:
            raise ProviderUnavailable(
                f"the authorization server gives no answer: {problem.reach}",
                reason=str(problem.reach),
            ) from None
        return _tokens(answered)


def _tokens(answered: Answered) -> Tokens:
    try:
        document = read(answered.body)
    except InvalidInput:
        document = None
    if not isinstance(document, dict):
        document = {}
    if 400 <= answered.status < 500 and document.get("error") in _REFUSALS:
        raise TokenRefused(document["error"])
    if answered.status != 200 or not _is_whole(document):
        raise ProviderUnavailable(
            "the authorization server gives no answer that can be used", reason="garbled"
        )
    life, refresh = document.get("expires_in"), document.get("refresh_token")
    return Tokens(
        access=Secret(document["access_token"]),
        refresh=None if refresh is None else Secret(refresh),
        life=None if life is None else timedelta(seconds=life),
    )


def _is_whole(document: Mapping[str, Any]) -> bool:
    """Whether an answer is as section 5.1 has it."""
    kind, life = document.get("token_type"), document.get("expires_in")
    refresh = document.get("refresh_token")
    return (
        _is_token(document.get("access_token"))
        and isinstance(kind, str)
        and kind.lower() == "bearer"
        and (life is None or (type(life) is int and 0 < life <= _LONGEST_LIFE))
        and (refresh is None or _is_token(refresh))
    )


def _is_token(value: object) -> bool:
    """Visible ASCII (appendix A.12), so that it can stand in a header."""
    if not isinstance(value, str) or not 1 <= len(value) <= _LONGEST:
        return False
    return all(" " <= letter <= "~" for letter in value) and value.strip() == value
