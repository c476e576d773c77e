"""Logins and keys in the terminal."""

from datetime import datetime, timedelta

from bot.api.passwords import Argon2
from bot.codes import new_token
from bot.reports import CLEAN, Say, open_database_of
from bot.settings import Settings
from engine.domain.access import ApiKey
from engine.domain.person import Role
from engine.errors import InvalidInput
from engine.flow.keys import IssueKey, ReadKeys, RevokeKey
from engine.flow.logins import SetLogin

_MOST_DAYS = 3_650


async def set_login(settings: Settings, who: int, email: str, password: str, *, say: Say) -> int:
    """Give a person an address and a password."""
    async with open_database_of(settings) as world:
        change = SetLogin(store=world.store, passwords=Argon2())
        person = await change.by_operator(who, email, password)
    say(f"{person.name} ({person.id}) logs in as {email.strip().lower()}")
    return CLEAN


async def add_key(
    settings: Settings, who: int, name: str, role: str, days: int, *, say: Say
) -> int:
    """Make a key."""
    if role not in list(Role) or not 0 <= days <= _MOST_DAYS:
        raise InvalidInput(
            f"a key has the role viewer, trader or admin, and 0 to {_MOST_DAYS} days"
        )
    async with open_database_of(settings) as world:
        issue = IssueKey(store=world.store, new_secret=new_token)
        life = timedelta(days=days) if days else None
        key, secret = await issue(None, who, name, Role(role), life=life)
    say(f"{_row(key)}\n{secret}\nIt is shown this once. Send it as the header X-API-Key.")
    return CLEAN


async def list_keys(settings: Settings, *, say: Say) -> int:
    """Every key: number, how it begins, name, role, person, until when, when it was used."""
    async with open_database_of(settings) as world:
        found = await ReadKeys(store=world.store)(None)
    for key in found:
        say(_row(key))
    if not found:
        say("No keys. Make one with: ai-trader key add ID --name NAME")
    return CLEAN


async def revoke_key(settings: Settings, number: int, *, say: Say) -> int:
    """Revoke one."""
    async with open_database_of(settings) as world:
        await RevokeKey(store=world.store)(None, number)
    say(f"key {number} opens nothing more")
    return CLEAN


def _row(key: ApiKey) -> str:
    until = _moment(key.expires_at, "revoked")
    used = _moment(key.used_at, "never")
    return (
        f"{key.id}  {key.prefix}…  {key.name}  {key.role}  person {key.person_id}"
        f"  until {until}  used {used}"
    )


def _moment(instant: datetime | None, otherwise: str) -> str:
    return otherwise if instant is None else f"{instant:%Y-%m-%d %H:%M}Z"
