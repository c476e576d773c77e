"""Signed cookies: a session's, and the mark of a browser that was let in before.

Form: JSON Web Tokens, HS256 and nothing else; RFC 7519, RFC 8725.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import jwt
from jwt.types import Options
from pydantic import SecretStr

from bot.codes import is_strong
from engine.domain.access import Session
from engine.errors import InvalidInput
from engine.ports import Clock

SHORTEST_SECRET = 32
DEVICE_LIFE = timedelta(days=180)

_ISSUER = "ai-trader"
_ALGORITHM = "HS256"
_SESSION, _DEVICE = "session+jwt", "device+jwt"
# The instants are compared with our own clock.
_OPTIONS: Options = {
    "require": ["exp", "nbf", "iat", "sub", "jti", "aud", "iss"],
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
}
_WELL_KNOWN = ("secret", "password", "changeme", "change-me", "example", "jwt_secret")


def signing_secret(secret: SecretStr | None, *, is_production: bool) -> str | None:
    """The secret that cookies are signed with; None when there is none and none is needed.

    Raises :class:`InvalidInput` for one that could be guessed, and for none in production.
    """
    if secret is None:
        if is_production:
            raise InvalidInput(
                "JWT_SECRET is not set; make one with: openssl rand -base64 48. A file of that name"
                " in APP_SECRETS_DIR does as well"
            )
        return None
    value = secret.get_secret_value()
    is_known = any(word in value.lower() for word in _WELL_KNOWN)
    if is_known or not is_strong(value, size=SHORTEST_SECRET):
        raise InvalidInput(
            f"JWT_SECRET could be guessed: it needs {SHORTEST_SECRET} random characters or more;"
            " make one with: openssl rand -base64 48"
        )
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Signs and reads; what does not verify is nobody's."""

    secret: str
    clock: Clock

    def of_session(self, session: Session) -> str:
        """A session's token; it says no more than whose it is and how long."""
        return self._sign(
            _SESSION, str(session.person_id), session.id, session.created_at, session.expires_at
        )

    def session_id(self, token: str) -> str | None:
        """The session that a token is of."""
        claims = self._read(_SESSION, token)
        return None if claims is None else str(claims["jti"])

    def of_device(self, account: str, id_: str) -> str:
        """The mark of a browser in which an account was logged in."""
        now = self.clock()
        return self._sign(_DEVICE, account, id_, now, now + DEVICE_LIFE)

    def device_id(self, token: str, account: str) -> str | None:
        """The browser that a mark is of, where it is one for this account."""
        claims = self._read(_DEVICE, token)
        return str(claims["jti"]) if claims is not None and claims["sub"] == account else None

    def _sign(self, kind: str, subject: str, id_: str, since: datetime, until: datetime) -> str:
        claims = {"iss": _ISSUER, "aud": kind, "sub": subject, "jti": id_}
        claims |= {"iat": since, "nbf": since, "exp": until}  # type: ignore[dict-item]
        return jwt.encode(claims, self.secret, _ALGORITHM, {"typ": kind})

    def _read(self, kind: str, token: str) -> dict[str, Any] | None:
        try:
            found = jwt.decode_complete(
                token,
                self.secret,
                [_ALGORITHM],
                _OPTIONS,
                audience=kind,
                issuer=_ISSUER,
            )
        except jwt.InvalidTokenError:
            return None
        claims: dict[str, Any] = found["payload"]
        now = self.clock().timestamp()
        is_now = claims["nbf"] <= now + 1 and now < claims["exp"]
        return claims if found["header"].get("typ") == kind and is_now else None
