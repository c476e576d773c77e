"""Models as people handle them: asked for, cancelled, looked at, let in and retired."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from engine.domain.decision import Action, Entry
from engine.domain.market import Timeframe
from engine.domain.model import Model, ModelStatus, Training, Wish
from engine.domain.notice import Audience, Kind, Notice, Priority
from engine.domain.person import Role
from engine.errors import NotFound, Outdated
from engine.flow.people import actor, person_at_least
from engine.flow.signals import allowed
from engine.ports import Bell, Store, Transaction
from engine.snapshot.canonical import plain

_PAGE = 50
#: Who asks for a training because it is time.
SCHEDULER = "scheduler"
_ACTIONS = {
    ModelStatus.APPROVED: Action.MODEL_APPROVED,
    ModelStatus.RETIRED: Action.MODEL_RETIRED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AskTraining:
    """Queue a training, a trader's or the command line's; a worker does it.

    One of a symbol and timeframe is open at a time: asking again gives that one, and False. Raises
    :class:`NotFound` for what is not watched.
    """

    store: Store
    bell: Bell
    streams: tuple[tuple[str, Timeframe], ...]

    async def __call__(self, person_id: int | None, wish: Wish) -> tuple[Training, bool]:
        self.must_watch(wish.symbol, wish.timeframe)
        async with self.store.begin() as tx:
            await allowed(tx, person_id, Role.TRADER)
            training, is_new = await tx.trainings.add(wish, actor(person_id), person_id)
            if is_new:
                await tell(tx, training)
        await self.bell.ring("deliver")
        return training, is_new

    def must_watch(self, symbol: str, timeframe: Timeframe) -> None:
        """Raise :class:`NotFound` for candles that nobody reads."""
        if (symbol, timeframe) not in self.streams:
            watched = ", ".join(f"{name} {frame}" for name, frame in self.streams)
            raise NotFound(
                f"no {timeframe} candles of {symbol} are watched; watched are: {watched}",
                symbol=symbol[:24],
                timeframe=str(timeframe),
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelTraining:
    """Stop a training; False when it has ended already. Raises :class:`NotFound`."""

    store: Store
    bell: Bell

    async def __call__(self, person_id: int | None, id_: int) -> bool:
        async with self.store.begin() as tx:
            await allowed(tx, person_id, Role.TRADER)
            was_open = await tx.trainings.cancel(id_)
            training = await tx.trainings.get(id_)
            if training is None:
                raise NotFound(f"there is no training {id_}", id=id_)
            if was_open:
                await refresh(tx, training)
        await self.bell.ring("deliver")
        return was_open


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrain:
    """Ask for a new training of every approved model that has grown old: another candidate.

    Zero for ``every`` is never. A newer model of the stream, whatever became of it, counts.
    """

    store: Store
    streams: tuple[tuple[str, Timeframe], ...]
    every: timedelta

    async def __call__(self) -> list[Training]:
        if not self.every:
            return []
        made = []
        async with self.store.begin() as tx:
            now = await tx.now()
            for symbol, timeframe in (await tx.models.approved()).keys() & set(self.streams):
                newest = (await tx.models.list(symbol=symbol, timeframe=timeframe, limit=1))[0]
                if now - newest.trained_at < self.every:
                    continue
                training, is_new = await tx.trainings.add(newest.report.wish, SCHEDULER, None)
                made += [training] if is_new else []
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadModels:
    """The registry and the trainings, for whoever may look."""

    store: Store

    async def __call__(
        self, person_id: int | None, *, before: int | None = None, limit: int = _PAGE
    ) -> Sequence[Model]:
        async with self.store.begin() as tx:
            await allowed(tx, person_id, Role.VIEWER)
            return await tx.models.list(before=before, limit=limit)

    async def one(self, person_id: int | None, id_: int) -> Model:
        """One model; raises :class:`NotFound`."""
        async with self.store.begin() as tx:
            await allowed(tx, person_id, Role.VIEWER)
            return await model_of(tx, id_)

    async def trainings(self, person_id: int | None, *, limit: int = _PAGE) -> Sequence[Training]:
        """The trainings, the newest first."""
        async with self.store.begin() as tx:
            await allowed(tx, person_id, Role.VIEWER)
            return await tx.trainings.list(limit)

    async def training(self, person_id: int | None, id_: int) -> Training:
        """One training; raises :class:`NotFound`."""
        async with self.store.begin() as tx:
            await allowed(tx, person_id, Role.VIEWER)
            found = await tx.trainings.get(id_)
        if found is None:
            raise NotFound(f"there is no training {id_}", id=id_)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideModel:
    """An admin, or the command line, lets a model in or retires it.

    Approving retires the one that was approved before, in the same transaction. Doing again what
    is done changes nothing. Raises :class:`NotFound`, :class:`IllegalMove` for a move there is not,
    and :class:`Outdated` when somebody else decided at the same moment.
    """

    store: Store
    bell: Bell

    async def approve(self, person_id: int | None, id_: int) -> Model:
        """From now on it is asked."""
        return await self._decide(person_id, id_, ModelStatus.APPROVED)

    async def retire(self, person_id: int | None, id_: int) -> Model:
        """It is asked no more, or never."""
        return await self._decide(person_id, id_, ModelStatus.RETIRED)

    async def _decide(self, person_id: int | None, id_: int, to: ModelStatus) -> Model:
        async with self.store.begin() as tx:
            by = None
            if person_id is not None:
                by = await person_at_least(tx, person_id, Role.ADMIN)
            # Two who decide at once go one after the other.
            await tx.controls.take()
            model = await model_of(tx, id_)
            if model.status is to:
                return model
            model.must_move(to)
            who = actor(person_id)
            instead = await self._make_room(tx, model, who) if to is ModelStatus.APPROVED else None
            decided = await _moved(tx, model, to, who)
            await tx.outbox.tell(
                Notice(
                    kind=Kind.MODEL,
                    key=f"model:{id_}:{decided.decided_at}",
                    priority=Priority.NORMAL,
                    detail={"id": id_, "by": "cli" if by is None else by.name},
                ),
                Audience(but=person_id),
            )
            await tx.history.append(await _entry(tx, decided, _ACTIONS[to], who, instead))
        await self.bell.ring("deliver")
        return decided

    async def _make_room(self, tx: Transaction, model: Model, who: str) -> Model | None:
        asked = (await tx.models.approved()).get((model.symbol, model.timeframe))
        if asked is None:
            return None
        return await _moved(tx, await model_of(tx, asked.id), ModelStatus.RETIRED, who)


async def _moved(tx: Transaction, model: Model, to: ModelStatus, who: str) -> Model:
    moved = await tx.models.move(model, to, who)
    if moved is None:
        raise Outdated(f"somebody else just decided about model {model.id}")
    return moved


async def _entry(
    tx: Transaction, model: Model, action: Action, who: str, instead: Model | None
) -> Entry:
    retired = "" if instead is None else f" instead of {instead.name}"
    return Entry(
        action=action,
        occurred_at=await tx.now(),
        actor=who,
        rationale=f"{model.symbol} {model.name} is {model.status}{retired}",
        symbol=model.symbol,
        human_override=True,
        detail={
            "model": told(model),
            "instead": None if instead is None else told(instead),
        },
    )


def told(model: Model) -> dict[str, object]:
    """A model as records name it."""
    return {
        "id": model.id,
        "name": model.name,
        "timeframe": str(model.timeframe),
        "status": str(model.status),
        "hash": model.hash,
        "data_hash": model.report.data_hash,
        "score": plain(model.report.score),
    }


async def model_of(tx: Transaction, id_: int) -> Model:
    """A model of the registry; raises :class:`NotFound`."""
    found = await tx.models.get(id_)
    if found is None:
        raise NotFound(f"there is no model {id_}", id=id_)
    return found


async def tell(tx: Transaction, training: Training) -> None:
    """Post a training's message to whoever asked for it."""
    await _card(tx, training, Kind.TRAINING, f"training:{training.id}", Priority.ANSWER)


async def refresh(tx: Transaction, training: Training) -> None:
    """Draw that message again, as the training stands now."""
    key = f"training:{training.id}:{training.claim}:{training.percent}:{training.state}"
    await _card(tx, training, Kind.TRAINING_CARD, key, Priority.REFRESH)


async def _card(
    tx: Transaction, training: Training, kind: Kind, key: str, priority: Priority
) -> None:
    if training.person_id is None:
        return
    notice = Notice(
        kind=kind,
        key=key,
        priority=priority,
        detail={"training_id": training.id},
        cause=f"training:{training.id}" if kind is Kind.TRAINING_CARD else None,
    )
    await tx.outbox.tell(notice, Audience(person_id=training.person_id))
