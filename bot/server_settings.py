"""The settings that say where PostgreSQL and Redis are."""

from urllib.parse import urlsplit

from pydantic import field_validator
from pydantic_settings import BaseSettings

_POSTGRES = ("postgres://", "postgresql://")
#: What arq knows.
_REDIS = ("redis://", "rediss://", "unix://")


class ServerFields(BaseSettings):
    """A part of ``Settings``."""

    database_url: str | None = None
    #: The schema's owner, for migrations; without it they are applied as the run-time role.
    database_owner_url: str | None = None
    redis_url: str | None = None

    @field_validator("database_url", "database_owner_url")
    @classmethod
    def _postgres(cls, url: str | None) -> str | None:
        return _checked(url, _POSTGRES)

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, url: str | None) -> str | None:
        return _checked(url, _REDIS)


def _checked(url: str | None, schemes: tuple[str, ...]) -> str | None:
    """An address that can be one. What is wrong with another is said without its words, among
    which may be a password.
    """
    if url is None:
        return None
    if not url.startswith(schemes):
        raise ValueError(f"must begin with {schemes[0]}")
    try:
        host = urlsplit(url)
        # Several hosts, each with a port of its own, are PostgreSQL's affair.
        _ = None if "," in host.netloc else host.port
    except ValueError:
        raise ValueError(
            "is no address: its port is no number, or its password has a character that has to be"
            " percent-encoded"
        ) from None
    return url
