"""Outbound webhooks: who is told of which events, how a message is signed, how it ends.

The form of headers, secrets and signatures is Standard Webhooks 1.0
(https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
"""

import hmac
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from engine.domain.webhook_events import EventType
from engine.errors import InvalidInput

#: What a secret begins with, and how many bytes it stands for: 24 to 64 are allowed.
PREFIX, KEY_BYTES = "whsec_", 32
#: Bytes of a message: the specification asks to stay below 20 kB.
LARGEST = 20_000
#: Endpoints there may be; each is sent to by itself.
MOST = 20
_LONGEST_DESCRIPTION = 200
#: A server may ask for a longer pause than ours, up to this.
_LONGEST_ASKED = timedelta(hours=1)
#: An endpoint that took nothing for so long is switched off.
GIVEN_UP = timedelta(days=5)


class Off(StrEnum):
    """Why an endpoint is off: a person wanted it, it said that it is gone (410), it took nothing
    for days, or the setting that made it is no longer there.
    """

    PERSON = "person"
    GONE = "gone"
    FAILING = "failing"
    SETTINGS = "settings"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Somewhere messages are posted to. ``types`` is empty for every type. ``key`` names the secret
    that it has, ``old_key`` the one that still signs too until ``old_until``.

    ``cursor`` is the last record of the history that was looked at for it. ``failures`` counts
    attempts in a row that came to nothing, since ``failing_since``; nothing is sent before
    ``not_before``. ``claim`` names who sends to it now.
    """

    id: int
    url: str
    description: str
    types: tuple[EventType, ...]
    key: UUID
    created_by: str
    created_at: datetime
    cursor: int
    not_before: datetime
    off: Off | None = None
    old_key: UUID | None = None
    old_until: datetime | None = None
    from_settings: bool = False
    failures: int = 0
    failing_since: datetime | None = None
    claim: UUID | None = None

    @property
    def is_on(self) -> bool:
        """Whether events are gathered for it, and sent."""
        return self.off is None

    @property
    def host(self) -> str:
        """The server's name: the rest of an address may hold a token."""
        return self.url.split("://", 1)[-1].split("/", 1)[0].split("?", 1)[0]

    @property
    def shown(self) -> str:
        """The address as it is told, to admins too: what they see lands in terminals, scripts and
        screenshots. Whole it is only where it is sent to. What stands for a setting is no address.
        """
        scheme, _, rest = self.url.partition("://")
        if self.from_settings or rest.removeprefix(self.host) in ("", "/"):
            return self.url
        return f"{scheme}://{self.host}/…"

    def wants(self, kind: EventType) -> bool:
        """Whether it is told of such events."""
        return not self.types or kind in self.types

    def keys(self, now: datetime) -> tuple[UUID, ...]:
        """The names of the secrets that sign now, the newest first."""
        if self.old_key is None or self.old_until is None or not now < self.old_until:
            return (self.key,)
        return (self.key, self.old_key)

    def took(self) -> "Endpoint":
        """The endpoint after it took a message."""
        return replace(self, failures=0, failing_since=None)

    def failed(self, now: datetime, pause: timedelta) -> "Endpoint":
        """The endpoint after an attempt that came to nothing: let alone for a while."""
        return replace(
            self,
            failures=self.failures + 1,
            failing_since=self.failing_since or now,
            not_before=now + pause,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An endpoint as somebody wants it; raises :class:`InvalidInput`."""

    url: str
    description: str
    types: tuple[EventType, ...]

    def __post_init__(self) -> None:
        short = len(self.description) <= _LONGEST_DESCRIPTION
        if not (short and (self.description.isprintable() or not self.description)):
            raise InvalidInput(
                f"a description has at most {_LONGEST_DESCRIPTION} plain characters",
                field="description",
            )
        if EventType.TEST in self.types or len(set(self.types)) != len(self.types):
            raise InvalidInput(
                "name each type of event once; webhook.test is none to choose", field="types"
            )


class DeliveryState(StrEnum):
    """WAITING is still to be delivered. FAILED was tried as often as allowed, CANCELLED was taken
    back because its endpoint was switched off.
    """

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A message: its id, the same wherever and however often it is sent, and its exact text."""

    id: str
    type: EventType
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An event on its way to an endpoint. ``attempts`` counts all, ``forgiven`` those before it was
    last queued anew; ``reason`` is what went wrong last.
    """

    id: int
    endpoint_id: int
    event: Event
    state: DeliveryState
    attempts: int
    forgiven: int
    created_at: datetime
    finished_at: datetime | None = None
    reason: str = ""

    @property
    def tries(self) -> int:
        """How often it was tried since it was queued."""
        return self.attempts - self.forgiven


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One sending. ``status`` is HTTP's, None without an answer; ``outcome`` None when it is under
    way or was cut off; ``said`` is the answer's beginning.
    """

    number: int
    at: datetime
    status: int | None = None
    outcome: str | None = None
    took: timedelta | None = None
    said: str = ""


class Why(StrEnum):
    """Why an endpoint took nothing: its status, a redirect, no answer in time, an address that is
    not permitted, a certificate or a name that is not valid, nobody there, or half an answer.
    """

    STATUS = "status"
    REDIRECT = "redirect"
    TIMEOUT = "timeout"
    FORBIDDEN = "forbidden"
    CERTIFICATE = "certificate"
    NAME = "name"
    REFUSED = "refused"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What became of one sending. ``why`` is None when the endpoint took it; ``wait`` is the pause
    that it asks for.
    """

    status: int | None
    why: Why | None
    took: timedelta
    said: str = ""
    wait: timedelta | None = None

    @property
    def reason(self) -> str:
        """Why it was not taken, with the status if there was one; empty when it was."""
        if self.why is None:
            return ""
        return str(self.why) if self.status is None else f"{self.why} {self.status}"

    @property
    def is_taken(self) -> bool:
        """Any 2xx is a yes, and nothing else is."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        """410: nothing shall be sent there any more."""
        return self.status == 410


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How often and when again: at most ``most`` times after the first, ``base`` after the first
    failure in a row, twice as long after each, up to ``longest``.
    """

    most: int
    base: timedelta
    longest: timedelta

    def pause(self, failures: int, chance: float, asked: timedelta | None) -> timedelta:
        """The pause after so many failures in a row: between half and all of it, by ``chance`` from
        0 to 1, so that many clients do not come back at one moment. ``asked`` (Retry-After) makes
        it longer, up to an hour, and never shorter.
        """
        doubled = self.base * (1 << min(max(failures - 1, 0), 30))
        own = min(doubled, self.longest) * (0.5 + chance / 2)
        return own if asked is None else max(own, min(asked, _LONGEST_ASKED))


def secret_text(key: bytes) -> str:
    """A secret as its receiver is given it."""
    return PREFIX + b64encode(key).decode()


def headers(event: Event, at: datetime, keys: Sequence[bytes]) -> dict[str, str]:
    """What a message carries: a signature of id, instant and body by each key; and the id once more
    by the name of source 000.
    """
    stamp = str(int(at.timestamp()))
    signed = f"{event.id}.{stamp}.{event.body}".encode()
    marks = [b64encode(hmac.digest(key, signed, "sha256")).decode() for key in keys]
    return {
        "Content-Type": "application/json",
        "webhook-id": event.id,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(f"v1,{mark}" for mark in marks),
        "X-Idempotency-Key": event.id,
    }
