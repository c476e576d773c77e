"""The provider of the language model, and its authorization server."""

from typing import Protocol

from engine.domain.provider import Credential, Offer, Tokens
from engine.domain.secret import Secret


class ModelServer(Protocol):
    """The provider's API."""

    async def models(self, credential: Credential) -> Offer:
        """Ask which models there are; whatever goes wrong is an answer, and nothing is raised."""
        ...


class TokenServer(Protocol):
    """An authorization server (RFC 6749) that this installation is a client of.

    Both requests raise ``TokenRefused`` for a clear no and ``ProviderUnavailable`` for anything
    that may pass; neither holds a secret.
    """

    def authorization_url(self, state: str, challenge: str) -> str:
        """Where a person allows the connection; ``challenge`` is PKCE's, by S256 (RFC 7636)."""
        ...

    async def exchange(self, code: Secret, verifier: Secret) -> Tokens:
        """Tokens for the code that the person brought back."""
        ...

    async def refresh(self, token: Secret) -> Tokens:
        """New tokens; without a refresh token in the answer the old one stays good."""
        ...
