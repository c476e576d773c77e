"""Proposals to change the configuration, put together: made, answered, ended, and taken back."""

from dataclasses import dataclass

from bot.analyst_settings import build_analyst
from bot.evaluating import PlayWindow
from bot.playing import PlayApart
from bot.world import World
from engine.flow.change_answers import AnswerChange, ExpireChanges, RemindOfChanges
from engine.flow.change_proposals import ProposeChange, ProposeSettings, ReadChanges
from engine.flow.halts import ChangeControl
from engine.flow.rollback import CompareSettings, RollBackSettings, RollBackStrategy
from engine.flow.settings import ChangeSettings, ReadSettings
from engine.flow.strategies import EditStrategy, ReadVersions
from engine.ports import Bell
from engine.research.advisor import Advise
from engine.research.optimizer import RunOptimizer, TrainOptimizer
from engine.research.suggesting import Suggest
from engine.research.walkforward import Evaluator


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """The use cases; ``optimize`` is None where nothing runs strategies over the past."""

    read: ReadChanges
    propose_settings: ProposeSettings
    answer: AnswerChange
    expire: ExpireChanges
    remind: RemindOfChanges
    advise: Advise
    train: TrainOptimizer
    optimize: RunOptimizer
    compare_settings: CompareSettings
    roll_back_settings: RollBackSettings
    roll_back_strategy: RollBackStrategy


def build_changes(
    world: World, bell: Bell, change_control: ChangeControl, evaluator: Evaluator | None = None
) -> Changes:
    """The use cases over the adapters that the settings chose."""
    store, market, manner = world.store, world.market, world.manner
    past = PlayWindow(world, PlayApart(world))
    propose = ProposeChange(store=store, bell=bell, life=manner.life, stops=manner.stops)
    expire = ExpireChanges(store=store, market=market, bell=bell)
    edit = EditStrategy(store=store)
    change_settings = ChangeSettings(store=store, market=market, bell=bell)
    compare = CompareSettings(read=ReadSettings(store=store))
    return Changes(
        read=ReadChanges(store=store),
        propose_settings=ProposeSettings(store=store, bell=bell, propose=propose),
        answer=AnswerChange(
            store=store,
            expire=expire,
            change_settings=change_settings,
            edit_strategy=edit,
            change_control=change_control,
        ),
        expire=expire,
        remind=RemindOfChanges(store=store),
        advise=Advise(store=store, propose=propose, bell=bell),
        train=TrainOptimizer(store=store, bell=bell),
        optimize=RunOptimizer(
            store=store, market=market, propose=propose, evaluator=evaluator or past
        ),
        compare_settings=compare,
        roll_back_settings=RollBackSettings(compare=compare, change=change_settings),
        roll_back_strategy=RollBackStrategy(read=ReadVersions(store=store), edit=edit),
    )


def build_suggest(world: World, bell: Bell) -> Suggest | None:
    """What asks the language model for changes, beside the trading; None where none is used."""
    store, manner = world.store, world.manner
    analyst = build_analyst(world.provider.plan, world.model, store)
    if analyst is None:
        return None
    return Suggest(
        store=store,
        market=world.market,
        analyst=analyst,
        propose=ProposeChange(store=store, bell=bell, life=manner.life, stops=manner.stops),
        evaluator=PlayWindow(world, PlayApart(world)),
    )
