"""Who comes in over HTTP, and with what: a person's login, their sessions, a machine's keys."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from engine.domain.person import Person, Role
from engine.errors import InvalidInput

#: Tries of a password in this time, per account, per device that was let in before, per address.
#: Two such spans that touch hold twice as many, which is the ten of a quarter of an hour.
TRIES, TRIES_OF_ADDRESS, TRIES_SPAN = 5, 50, timedelta(minutes=15)

SESSION_LIFE = timedelta(hours=12)
INVITE_LIFE = timedelta(minutes=10)
MOST_KEYS = 50

_SHORTEST_PASSWORD, _LONGEST_PASSWORD = 12, 128
_FEWEST_DIFFERENT = 5
_LONGEST_EMAIL = 254
#: What a key may be called.
KEY_NAME = r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,59}$"
_EMAIL = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What a person logs in with; one for each person, and no two have the same address."""

    person_id: int
    email: str
    password_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A person who logged in, until they log out or the time is over."""

    id: str
    person_id: int
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyDraft:
    """A machine's key about to be kept: ``digest`` is all that is stored of it, ``prefix`` is what
    people tell it by. It acts for its person with at most ``role``.
    """

    name: str
    prefix: str
    digest: str
    person_id: int
    role: Role
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey(KeyDraft):
    """A machine's key as it is kept; ``used_at`` is exact to the minute."""

    id: int
    created_at: datetime
    used_at: datetime | None = None
    revoked_at: datetime | None = None


class Means(StrEnum):
    """What a caller showed."""

    SESSION = "session"
    KEY = "key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks: a person as they are now, what they showed, and the most that this allows.

    ``means_id`` is the session's or the key's.
    """

    person: Person
    means: Means
    means_id: str
    most: Role = Role.ADMIN

    @property
    def role(self) -> Role:
        """What may be done: the person's role, and never more than the key was given."""
        return min(self.person.role, self.most, key=lambda role: role.rank)


def email_of(text: str) -> str:
    """An address as it is kept; raises :class:`InvalidInput`."""
    email = text.strip().lower()
    if len(email) > _LONGEST_EMAIL or not _EMAIL.fullmatch(email):
        raise InvalidInput("this is no e-mail address; write one such as ann@example.com")
    return email


def password_of(text: str, email: str) -> str:
    """A password that may be used; raises :class:`InvalidInput` for one that is guessed soon."""
    if not _SHORTEST_PASSWORD <= len(text) <= _LONGEST_PASSWORD:
        raise InvalidInput(
            f"a password has {_SHORTEST_PASSWORD} to {_LONGEST_PASSWORD} characters; four or five"
            " words in a row are easy to keep"
        )
    name = email.partition("@")[0]
    if len(set(text)) < _FEWEST_DIFFERENT or (len(name) > 3 and name in text.lower()):
        raise InvalidInput("this password is guessed soon: take other words, not your own name")
    return text


def name_of(text: str) -> str:
    """A key's name as it is kept; raises :class:`InvalidInput`."""
    if not re.fullmatch(KEY_NAME, text):
        raise InvalidInput(
            "a key's name has 1 to 60 letters, digits, spaces, points, lines; it begins with none"
            " of the last three"
        )
    return text
