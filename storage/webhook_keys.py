"""The secrets of webhooks, derived from one master: none of them is stored anywhere.

HKDF (RFC 5869) with SHA-256; the master is the input, and endpoint and key name the output. A key's
name is random, so that every rotation gives a secret that was never used.
"""

import hmac
from uuid import UUID

from engine.domain.webhooks import KEY_BYTES

_SALT = b"ai-trader webhook secrets 1"


class DerivedSecrets:
    """The port ``WebhookSecrets``. With a ``previous`` master its secrets sign too, so that the
    master can be changed without a moment in which a receiver refuses everything.
    """

    def __init__(self, master: str, previous: str | None = None) -> None:
        masters = [master] if previous is None else [master, previous]
        self._extracted = [hmac.digest(_SALT, each.encode(), "sha256") for each in masters]

    async def keys(self, endpoint_id: int, key: UUID) -> tuple[bytes, ...]:
        info = f"{endpoint_id}:{key}".encode()
        # One block of the expansion is as long as a secret.
        return tuple(
            hmac.digest(each, info + b"\x01", "sha256")[:KEY_BYTES] for each in self._extracted
        )
