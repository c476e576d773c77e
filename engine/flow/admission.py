"""Who a terminal's request comes from, and whether it is in charge of its account."""

import hmac
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from engine.domain.terminal import Terminal
from engine.errors import Refusal, TerminalRefused
from engine.ports import Look, Polls, Transaction

#: A token that nobody used for so long is worth nothing.
TOKEN_LIFE = timedelta(days=30)


def digest(secret: str) -> str:
    """What is stored of a code or a token."""
    return sha256(secret.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Whom a request comes from: its token, its journal and its start."""

    token: str
    instance: str
    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Admit:
    """The terminal that a request comes from, noted as heard.

    Raises :class:`TerminalRefused` for a token that is not known, rotated or too long unused, for
    another account than the token's, and for a terminal that is not in charge of its account.
    """

    #: Writing down every poll would cost more than it tells.
    note_after: timedelta = timedelta(seconds=5)

    async def __call__(
        self,
        tx: Transaction,
        caller: Caller,
        *,
        who: tuple[int, str] | None = None,
        lock: bool = False,
    ) -> tuple[Terminal, datetime]:
        """The terminal, and the database's clock, in the caller's transaction; ``who`` is the login
        and server it claims. With ``lock`` the caller saves it.
        """
        wanted = digest(caller.token)
        terminal, now = await known(tx, wanted, lock=lock), await tx.now()
        heard = _heard(terminal, caller, now, who)
        changed = not _is_going_on(terminal, heard)
        if not lock and (changed or not self.is_fresh(terminal.heard_at, now)):
            terminal = await known(tx, wanted, lock=True)
            heard = _heard(terminal, caller, now, who)
            await tx.terminals.save(replace(heard, token_used_at=now))
        return heard, now

    def is_fresh(self, noted: datetime, now: datetime) -> bool:
        """Whether it was noted just now; a clock that was set back makes nothing fresh."""
        return timedelta(0) <= now - noted < self.note_after

    async def look(
        self, polls: Polls, caller: Caller, *, who: tuple[int, str] | None = None
    ) -> tuple[Look, bool]:
        """The same by one look, without a note. The second part of the answer is False for a
        terminal that takes over: the caller then needs a transaction.
        """
        wanted = digest(caller.token)
        look = await polls.look(wanted)
        if look is None:
            raise _unknown()
        terminal = _must_be(look.terminal, wanted)
        heard = _heard(terminal, caller, look.now, who)
        return look, _is_going_on(terminal, heard)


async def known(tx: Transaction, token_digest: str, *, lock: bool = False) -> Terminal:
    """The terminal of a token's digest, or a refusal."""
    return _must_be(await tx.terminals.of_token(token_digest, lock=lock), token_digest)


def _must_be(terminal: Terminal | None, token_digest: str) -> Terminal:
    # Found by its digest; compared once more in constant time.
    if terminal is None or not hmac.compare_digest(terminal.token_digest, token_digest):
        raise _unknown()
    return terminal


def _unknown() -> TerminalRefused:
    return TerminalRefused(
        Refusal.UNAUTHORIZED, "This terminal is not known. Make a connect code with /ea."
    )


def _heard(
    terminal: Terminal, caller: Caller, now: datetime, who: tuple[int, str] | None
) -> Terminal:
    """The terminal after this request, or a refusal."""
    if not now - terminal.token_used_at <= TOKEN_LIFE:
        raise TerminalRefused(
            Refusal.UNAUTHORIZED, "The token was not used for long. Make a connect code with /ea."
        )
    if who is not None and who != (terminal.login, terminal.server):
        raise TerminalRefused(Refusal.ACCOUNT_REFUSED, "The token is for another account.")
    return terminal.heard(caller.instance, caller.run, now)


def _is_going_on(before: Terminal, heard: Terminal) -> bool:
    return (heard.instance, heard.run) == (before.instance, before.run)
