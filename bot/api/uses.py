"""What the API can do: the chat's use cases, and those of coming in over HTTP."""

from dataclasses import dataclass

from bot.api.acts import Acts
from bot.api.passwords import Argon2
from bot.api.reads import Reads
from bot.api.tokens import Tokens
from bot.codes import new_token
from bot.hooks import Hooks
from bot.provider_settings import ProviderCases
from bot.talk import Talk
from engine.flow.keys import FindKey, IssueKey, ReadKeys, RevokeKey
from engine.flow.logins import FindSession, LogIn, LogOut, SetLogin
from engine.flow.readiness import CheckReadiness
from engine.ports import Passwords, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who comes in, and how."""

    tokens: Tokens
    log_in: LogIn
    log_out: LogOut
    set_login: SetLogin
    find_session: FindSession
    issue_key: IssueKey
    read_keys: ReadKeys
    revoke_key: RevokeKey
    find_key: FindKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Uses:
    """Everything a handler may call."""

    talk: Talk
    access: Access
    reads: Reads
    check_readiness: CheckReadiness
    acts: Acts
    provider: ProviderCases
    #: None where nothing about webhooks is set.
    hooks: Hooks | None = None


def build_access(store: Store, tokens: Tokens, passwords: Passwords | None = None) -> Access:
    """The use cases of coming in."""
    passwords = passwords or Argon2()
    return Access(
        tokens=tokens,
        log_in=LogIn(store=store, passwords=passwords, new_id=new_token),
        log_out=LogOut(store=store),
        set_login=SetLogin(store=store, passwords=passwords),
        find_session=FindSession(store=store),
        issue_key=IssueKey(store=store, new_secret=new_token),
        read_keys=ReadKeys(store=store),
        revoke_key=RevokeKey(store=store),
        find_key=FindKey(store=store),
    )
