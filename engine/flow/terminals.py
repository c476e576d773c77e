"""A terminal joins: an admin's connect code becomes a token, of which only the digest is kept."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from engine.domain.person import Role
from engine.domain.terminal import Command, ConnectCode, Terminal
from engine.errors import InvalidInput, Outdated, Refusal, TerminalRefused
from engine.flow.admission import digest
from engine.flow.people import person_at_least
from engine.ports import Store, Transaction

CODE_LIFE = timedelta(minutes=10)
GUESSES, GUESS_WINDOW = 10, timedelta(minutes=15)
#: Numbers of one account's commands; no two accounts share one.
_SPAN = 1 << 32
_BASES = 1 << 20


def code_digest(code: str) -> str:
    """The digest of a code, however it was typed."""
    return digest("".join(code.upper().split()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What a terminal says of itself when it registers."""

    code: str
    instance: str
    run: str
    login: int
    server: str
    company: str
    currency: str
    leverage: int
    margin_mode: str
    trade_mode: str
    ea_version: str
    build: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A terminal that was let in, and its token, which is shown this once."""

    terminal: Terminal
    token: str
    now: datetime
    paused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueCode:
    """Make a connect code for the product's account; the answer is shown once and never stored."""

    store: Store
    account_id: str
    #: A new code, by a source of randomness.
    new_code: Callable[[], str]

    async def mark(self) -> str:
        """A short name of the account's newest code: what whoever asks for another has seen."""
        async with self.store.begin() as tx:
            return _mark(await tx.terminals.newest_code(self.account_id))

    async def __call__(self, person_id: int, mark: str) -> tuple[str, datetime]:
        """The code, and until when it is good. Raises :class:`Outdated` where there is a newer code
        than the one that was seen: a tap that comes twice makes no second one, which would take the
        place of the one that is shown.
        """
        code = self.new_code()
        async with self.store.begin() as tx:
            person = await person_at_least(tx, person_id, Role.ADMIN)
            await tx.controls.take()
            if _mark(await tx.terminals.newest_code(self.account_id)) != mark:
                raise Outdated("a newer connect code was made; look again with /ea")
            until = await tx.now() + CODE_LIFE
            await tx.terminals.add_code(
                ConnectCode(
                    digest=code_digest(code),
                    account_id=self.account_id,
                    issued_by=person.name,
                    expires_at=until,
                )
            )
        return code, until


def _mark(code: ConnectCode | None) -> str:
    return digest("" if code is None else code.digest)[:12]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterTerminal:
    """Let a terminal in by its code. Registering again rotates the token.

    Raises :class:`TerminalRefused`: ``slow_down`` after too many tries from an address or for a
    login, ``code_refused``, and ``account_refused`` for a real account while only demo accounts are
    traded, or when code and login belong to different accounts of the product.
    """

    store: Store
    new_token: Callable[[], str]
    allow_live: bool = False

    async def __call__(self, asked: Registration, address: str) -> Registered:
        keys = (f"address:{address}", f"login:{asked.login}@{asked.server}")
        async with self.store.begin() as tx:
            # Committed by itself, so that a refusal does not take its count back.
            if await tx.terminals.guess(keys, GUESS_WINDOW) > GUESSES:
                raise TerminalRefused(Refusal.SLOW_DOWN, "Too many tries. Wait 15 minutes.")
        token = self.new_token()
        async with self.store.begin() as tx:
            now = await tx.now()
            code = await self._code(tx, asked, now)
            before = await self._before(tx, asked, code.account_id)
            terminal = _terminal(asked, code, before, digest(token), now)
            if before is None:
                terminal = replace(terminal, magic_base=await _free_base(tx, terminal))
            await tx.terminals.save(terminal)
            control = await tx.controls.read()
        return Registered(terminal=terminal, token=token, now=now, paused=not control.may_open)

    async def _code(self, tx: Transaction, asked: Registration, now: datetime) -> ConnectCode:
        who = (asked.login, asked.server, asked.instance)
        code = await tx.terminals.take_code(code_digest(asked.code))
        if code is None or not code.admits(who, now):
            raise TerminalRefused(
                Refusal.CODE_REFUSED,
                "This connect code is not valid any more. Ask for a new one with /ea.",
            )
        if asked.trade_mode == "real" and not self.allow_live:
            raise TerminalRefused(
                Refusal.ACCOUNT_REFUSED,
                "This is a real account, and live trading is not switched on.",
            )
        if code.used_at is None:
            code = replace(code, used_at=now, used_by=who)
            await tx.terminals.save_code(code)
        return code

    async def _before(
        self, tx: Transaction, asked: Registration, account_id: str
    ) -> Terminal | None:
        """The account's terminal so far; refuses to mix two logins in one account's books."""
        who = (asked.login, asked.server)
        for other in await tx.terminals.list():
            same_login = (other.login, other.server) == who
            if same_login is not (other.account_id == account_id):
                raise TerminalRefused(
                    Refusal.ACCOUNT_REFUSED,
                    "This login and this connect code belong to different accounts.",
                )
        return await tx.terminals.take(account_id)


def _terminal(
    asked: Registration,
    code: ConnectCode,
    before: Terminal | None,
    token_digest: str,
    now: datetime,
) -> Terminal:
    return Terminal(
        account_id=code.account_id,
        login=asked.login,
        server=asked.server,
        company=asked.company,
        currency=asked.currency,
        margin_mode=asked.margin_mode,
        trade_mode=asked.trade_mode,
        leverage=asked.leverage,
        ea_version=asked.ea_version,
        build=asked.build,
        magic_base=before.magic_base if before else 1,
        last_seq=before.last_seq if before else 0,
        token_digest=token_digest,
        token_used_at=now,
        registered_at=now,
        instance=asked.instance,
        run=asked.run,
        run_before="",
        heard_at=now,
        open_positions=before.open_positions if before else 0,
        daily_loss_percent=before.daily_loss_percent if before else Decimal(0),
    )


async def _free_base(tx: Transaction, terminal: Terminal) -> int:
    """A range of magic numbers that no other account has, and hardly any other installation."""
    seed = f"{terminal.account_id}|{terminal.login}|{terminal.server}|{terminal.registered_at}"
    taken = {other.magic_base for other in await tx.terminals.list()}
    start = int(digest(seed)[:8], 16)
    return next(
        base
        for number in range(_BASES)
        if (base := (1 + (start + number) % (_BASES - 1)) * _SPAN) not in taken
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalReport:
    """A terminal as people see it: what keeps it from trading, and its last commands, the newest
    first.
    """

    terminal: Terminal
    now: datetime
    hindrance: str | None
    commands: tuple[Command, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTerminals:
    """Every terminal, by account; ``is_used`` is whether orders go to one."""

    store: Store
    is_used: bool

    async def __call__(self, person_id: int) -> Sequence[TerminalReport]:
        async with self.store.begin() as tx:
            await person_at_least(tx, person_id, Role.VIEWER)
            now = await tx.now()
            return [
                TerminalReport(
                    terminal=terminal,
                    now=now,
                    hindrance=terminal.hindrance(now) if terminal.token_digest else "disconnected",
                    commands=await tx.commands.recent(terminal.account_id, 20),
                )
                for terminal in await tx.terminals.list()
            ]


@dataclass(frozen=True, slots=True, kw_only=True)
class DisconnectTerminal:
    """Take a terminal's token away: it can do nothing more until it has a new code."""

    store: Store

    async def __call__(self, person_id: int, account_id: str) -> None:
        async with self.store.begin() as tx:
            await person_at_least(tx, person_id, Role.ADMIN)
            if not await tx.terminals.remove(account_id):
                raise InvalidInput(f"no terminal is connected for {account_id}")
