"""Strategies as people handle them: every edit and switch is a version and a record."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from engine.domain.person import Person, Role
from engine.domain.strategy import Strategy, StrategyVersion
from engine.errors import InvalidInput, NotFound, Outdated
from engine.flow.people import person_at_least
from engine.flow.strategy_records import Changed, write_version
from engine.ports import Store, Transaction
from engine.strategies.changes import diff
from engine.strategies.documents import parse, slug, strategy_id


@dataclass(frozen=True, slots=True, kw_only=True)
class EditStrategy:
    """Write the text of a document as a strategy's next version.

    An admin's, or the command line's (``person_id`` None). ``expected`` is the version that was
    looked at: another one in the meantime raises :class:`Outdated`. Raises :class:`InvalidInput`
    for a document with mistakes, or one that changes nothing.
    """

    store: Store

    async def __call__(
        self, person_id: int | None, id_: UUID, text: str, *, reason: str, expected: int
    ) -> Changed:
        async with self.store.begin() as tx:
            return await self.within(tx, person_id, id_, text, reason, expected)

    async def within(
        self,
        tx: Transaction,
        person_id: int | None,
        id_: UUID,
        text: str,
        reason: str,
        expected: int,
    ) -> Changed:
        """The same in a caller's transaction; its record is written."""
        person = await _person(tx, person_id, Role.ADMIN)
        before, after = await _edited(tx, id_, text, expected)
        return await write_version(tx, before, after, person, reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckEdit:
    """What :class:`EditStrategy` would change, or why it would not; nothing is written.

    The new version has the number of the old one here. Raises as the edit does.
    """

    store: Store

    async def __call__(
        self, person_id: int | None, id_: UUID, text: str, *, expected: int
    ) -> Changed:
        async with self.store.begin() as tx:
            await _person(tx, person_id, Role.ADMIN)
            before, after = await _edited(tx, id_, text, expected)
        return Changed(before=before, after=after, changes=diff(before, after))


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchStrategy:
    """Turn a strategy on, an admin's right, or off, which a trader may too.

    ``expected`` is the version that was looked at, where somebody was asked: another one raises
    :class:`Outdated`. Raises :class:`InvalidInput` where it is so already.
    """

    store: Store

    async def __call__(
        self,
        person_id: int | None,
        id_: UUID,
        *,
        on: bool,
        reason: str,
        expected: int | None = None,
    ) -> Changed:
        async with self.store.begin() as tx:
            person = await _person(tx, person_id, Role.ADMIN if on else Role.TRADER)
            before = _of(await tx.settings.strategies(), id_)
            if expected is not None:
                must_be_at(before, expected)
            if before.is_active is on:
                raise InvalidInput(
                    f"{before.name} is {'on' if on else 'off'} already",
                    mistake="strategy_on" if on else "strategy_off",
                    name=before.name,
                )
            after = replace(before, is_active=on)
            return await write_version(tx, before, after, person, reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddStrategy:
    """Add a strategy from the text of its document: version 1, off unless the document says on.

    Raises :class:`InvalidInput` for a document with mistakes, or a name that is taken.
    """

    store: Store

    async def __call__(self, person_id: int | None, text: str, *, reason: str) -> Changed:
        async with self.store.begin() as tx:
            person = await _person(tx, person_id, Role.ADMIN)
            made = parse(strategy_id(""), text, version=0, is_active=False)
            made = replace(made, id=strategy_id(slug(made.name)))
            _only(made, await tx.settings.strategies(), new=True)
            return await write_version(tx, None, made, person, reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadStrategies:
    """Every strategy in its current version, for whoever may look."""

    store: Store

    async def __call__(self, person_id: int | None) -> tuple[Strategy, ...]:
        async with self.store.begin() as tx:
            await _person(tx, person_id, Role.VIEWER)
            return await tx.settings.strategies()

    async def one(self, person_id: int | None, id_: UUID) -> Strategy:
        """One of them; raises :class:`NotFound`."""
        return _of(await self(person_id), id_)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadVersions:
    """Every version a strategy ever had, newest first; two of them make a :func:`diff`."""

    store: Store

    async def __call__(self, person_id: int | None, id_: UUID) -> Sequence[StrategyVersion]:
        async with self.store.begin() as tx:
            await _person(tx, person_id, Role.VIEWER)
            versions = await tx.settings.strategy_versions(id_)
        if not versions:
            raise NotFound(f"there is no strategy {id_}")
        return versions


def version_of(versions: Sequence[StrategyVersion], wanted: int) -> StrategyVersion:
    """One version of a strategy; raises :class:`NotFound` with the newest one's number."""
    for version in versions:
        if version.strategy.version == wanted:
            return version
    newest = versions[0].strategy.version
    raise NotFound(
        f"there is no version {wanted}; the newest is {newest}",
        mistake="version_unknown", version=wanted, newest=newest,
    )  # fmt: skip


def named(strategies: Sequence[Strategy], name: str) -> Strategy:
    """The strategy a person means by its name, its short name (``ema-trend``) or its id.

    Raises :class:`NotFound` with the names there are.
    """
    for strategy in strategies:
        if name == str(strategy.id) or slug(name) == slug(strategy.name):
            return strategy
    known = ", ".join(strategy.name for strategy in strategies)
    raise NotFound(
        f"there is no strategy {name[:60]!r}; there are: {known}",
        mistake="strategy_unknown", name=name[:60], known=known,
    )  # fmt: skip


async def _person(tx: Transaction, person_id: int | None, role: Role) -> Person | None:
    return None if person_id is None else await person_at_least(tx, person_id, role)


def _of(strategies: Sequence[Strategy], id_: UUID) -> Strategy:
    for strategy in strategies:
        if strategy.id == id_:
            return strategy
    raise NotFound(f"there is no strategy {id_}")


async def _edited(
    tx: Transaction, id_: UUID, text: str, expected: int
) -> tuple[Strategy, Strategy]:
    """A strategy as it is and as a document wants it."""
    strategies = await tx.settings.strategies()
    before = _of(strategies, id_)
    must_be_at(before, expected)
    after = parse(id_, text, version=expected, is_active=before.is_active)
    if after == before:
        raise InvalidInput(
            f"the document is version {expected} of {before.name} as it is", mistake="unchanged"
        )
    _only(after, strategies)
    return before, after


def _only(wanted: Strategy, strategies: Sequence[Strategy], *, new: bool = False) -> None:
    """A name must lead to one strategy."""
    for other in strategies:
        itself = other.id == wanted.id
        if (itself and new) or (not itself and slug(other.name) == slug(wanted.name)):
            raise InvalidInput(
                f"there is a strategy {other.name!r} already; edit that one, or choose a name that"
                " differs in more than case and punctuation",
                mistake="strategy_name", field="name", name=other.name,
            )  # fmt: skip


def must_be_at(current: Strategy, expected: int) -> None:
    """Raise :class:`Outdated` where a strategy is at another version than was looked at."""
    if current.version != expected:
        raise Outdated(
            f"{current.name} is at version {current.version} by now, not {expected}; look at it"
            " again",
            mistake="strategy_outdated", name=current.name, version=current.version,
        )  # fmt: skip
