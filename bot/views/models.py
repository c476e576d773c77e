"""Models in the chat: trainings with their progress, the registry, a model's card, its drift."""

from collections.abc import Sequence
from decimal import Decimal

from bot import callbacks, sentences
from bot.i18n import Html, Words
from bot.screen import Button, Screen
from bot.views.risk import back
from engine.domain.market import Timeframe
from engine.domain.model import Model, ModelStatus, Score, Training, TrainingState
from engine.domain.person import Role
from engine.research.drift import DriftReport, Stability

_PAGE = 8
_STEPS = 10
_FIGURES = 5
#: Below it, forecasts rank rises no better than a coin.
_CHANCE = Decimal("0.52")
_SIGNS = {
    ModelStatus.CANDIDATE: "🟡",
    ModelStatus.APPROVED: "🟢",
    ModelStatus.RETIRED: "⚪",
}
_MOVED = {Stability.STABLE: "🟢", Stability.MODERATE: "🟡", Stability.SHIFTED: "🔴"}


def menu(
    words: Words, streams: Sequence[tuple[str, Timeframe]], trainings: Sequence[Training]
) -> Screen:
    """What can be trained, and what is under way. A button knows the last training there was, so
    that a tap which comes twice begins one.
    """
    lines = [words("train.title"), words("train.how")]
    lines += [
        words(
            "train.open", percent=str(one.percent), **_stream(one.wish.symbol, one.wish.timeframe)
        )
        for one in trainings
        if one.state.is_open
    ]
    mark = trainings[0].id if trainings else 0
    rows = [
        (
            Button(
                words("train.button", **_stream(symbol, timeframe)),
                callbacks.pack("train", symbol, timeframe, mark),
            ),
        )
        for symbol, timeframe in streams[:_PAGE]
    ]
    return Screen(text=Html("\n".join(lines)), buttons=(*rows, (_to_models(words),)))


def training(words: Words, seen: Training) -> Screen:
    """A training as it stands: a bar while it goes on, and what came of it."""
    lines = [words("train.head", id=str(seen.id), **_stream(seen.wish.symbol, seen.wish.timeframe))]
    buttons: tuple[tuple[Button, ...], ...] = ()
    if seen.state is TrainingState.RUNNING:
        full = seen.percent * _STEPS // 100
        lines += [
            words("train.running", trees=words.number(seen.wish.trees)),
            Html(f"{'▰' * full}{'▱' * (_STEPS - full)} {seen.percent} %"),
        ]
    elif seen.state is TrainingState.FAILED:
        lines.append(words("train.failed", reason=sentences.told(words, seen.reason or "")))
    else:
        lines.append(words(f"train.{seen.state}"))
    if seen.state.is_open:
        buttons = ((Button(words("train.cancel"), callbacks.pack("train-no", seen.id)),),)
    elif seen.model_id is not None:
        buttons = ((Button(words("models.look"), callbacks.pack("model", seen.model_id)),),)
    return Screen(text=Html("\n".join(lines)), buttons=buttons)


def listing(words: Words, models: Sequence[Model], *, edit: bool = False) -> Screen:
    """The registry, the newest first."""
    lines = [words("models.title")]
    if not models:
        lines.append(words("models.none"))
    lines += [
        words(
            "models.line",
            sign=_SIGNS[model.status],
            name=model.name,
            symbol=model.symbol,
            status=words(f"models.{model.status}"),
            hits=_share(words, model.report.score.hits),
        )
        for model in models[:_PAGE]
    ]
    rows = [
        (
            Button(
                f"{_SIGNS[model.status]} {model.symbol} {model.name}",
                callbacks.pack("model", model.id),
            ),
        )
        for model in models[:_PAGE]
    ]
    refresh = Button(words("button.refresh"), callbacks.pack("models"))
    return Screen(text=Html("\n".join(lines)), buttons=(*rows, (refresh,)), edit=edit)


def card(words: Words, model: Model, *, role: Role, edit: bool = True) -> Screen:
    """The model card: what it learnt from, and how good it was on what it had not seen."""
    report, wish = model.report, model.report.wish
    top = sorted(report.features, key=lambda fact: -fact.importance)[:_FIGURES]
    lines = [
        words("models.head", name=model.name, id=str(model.id), **_of(model)),
        Html(f"{_SIGNS[model.status]} {words(f'models.{model.status}')}"),
        Html(""),
        words(
            "models.data",
            rows=words.number(report.rows),
            first=words.time(report.first, "d MMM y"),
            last=words.time(report.last, "d MMM y"),
        ),
        words(
            "models.shape",
            trees=words.number(wish.trees),
            depth=str(wish.depth),
            horizon=str(wish.horizon),
        ),
        *_scores(words, report.score),
        words("models.figures", figures=" · ".join(figure(words, fact.name) for fact in top)),
        words("models.hash", hash=model.hash[:12], data=report.data_hash[:12]),
        words("models.trained", time=words.moment(model.trained_at)),
    ]
    if model.decided_at is not None:
        lines.append(words("models.decided", time=words.moment(model.decided_at)))
    rows: list[tuple[Button, ...]] = []
    if role.rank >= Role.ADMIN.rank:
        rows.append(tuple(_decisions(words, model)))
    drift_ = Button(words("models.drift"), callbacks.pack("drift", model.id))
    rows.append((drift_, back(words, "models")))
    return Screen(text=Html("\n".join(lines)), buttons=tuple(rows), edit=edit)


def _scores(words: Words, score: Score) -> list[Html]:
    lines = [
        words(
            "models.score",
            rows=words.number(score.rows),
            hits=_share(words, score.hits),
            accuracy=_share(words, score.accuracy),
            auc=words.number(score.auc, 3),
            brier=words.number(score.brier, 3),
        ),
        words(
            "models.base",
            rises=_share(words, score.rises),
            signals=_share(words, score.signals),
        ),
    ]
    if not score.auc >= _CHANCE:
        lines.append(words("models.chance"))
    return [*lines, words("models.meaning")]


def _decisions(words: Words, model: Model) -> list[Button]:
    found = []
    if model.status is not ModelStatus.APPROVED:
        found.append(Button(words("models.approve"), callbacks.pack("model-ask", model.id, 1)))
    if model.status is not ModelStatus.RETIRED:
        found.append(Button(words("models.retire"), callbacks.pack("model-ask", model.id, 0)))
    return found


def ask(words: Words, model: Model, *, approve: bool, until: int) -> Screen:
    """Whether a model shall be let in or retired."""
    key = "models.ask_approve" if approve else "models.ask_retire"
    lines = [words(key, name=model.name, **_of(model)), words("drafts.valid")]
    yes = Button(
        words("models.approve" if approve else "models.retire"),
        callbacks.pack("model-go", model.id, int(approve), until),
        "danger",
    )
    leave = Button(words("button.cancel"), callbacks.pack("model", model.id))
    return Screen(text=Html("\n".join(lines)), buttons=((leave, yes),), edit=True)


def told(words: Words, model: Model) -> Html:
    """A model that was decided about."""
    return words(
        "models.told", name=model.name, status=words(f"models.{model.status}"), **_of(model)
    )


def drift(words: Words, seen: DriftReport) -> Screen:
    """How far the market moved from what the model learnt, and whether its forecasts still hold."""
    model = seen.model
    lines = [words("drift.head", name=model.name, rows=words.number(seen.rows), **_of(model))]
    if not seen.features:
        lines.append(words("drift.few"))
    lines += [
        words(
            "drift.line",
            sign=_MOVED[each.stability],
            figure=figure(words, each.name),
            index=words.number(each.index, 2),
            stability=words(f"drift.{each.stability}"),
        )
        for each in seen.features[:_FIGURES]
    ]
    if seen.features:
        lines.append(words("drift.meaning"))
    lines.append(Html(""))
    if seen.since is None:
        lines.append(words("drift.since_none"))
    else:
        lines.append(
            words(
                "drift.since",
                rows=words.number(seen.since.rows),
                hits=_share(words, seen.since.hits),
                before=_share(words, model.report.score.hits),
            )
        )
    if seen.stability is Stability.SHIFTED:
        lines.append(words("drift.retrain"))
    refresh = Button(words("button.refresh"), callbacks.pack("drift", model.id))
    leave = back(words, "model", model.id)
    return Screen(text=Html("\n".join(lines)), buttons=((refresh, leave),), edit=True)


def figure(words: Words, name: str) -> Html | str:
    """What a model looks at, in words; the name of one that there is no more is shown as it is."""
    stem, _, span = name.rpartition("_")
    for key in (f"figure.{name}", f"figure.{stem}_one" if span == "1" else f"figure.{stem}"):
        if words.has(key):
            return words(key, span=span)
    return name


def _to_models(words: Words) -> Button:
    return Button(words("models.every"), callbacks.pack("models"))


def _of(model: Model) -> dict[str, str]:
    return _stream(model.symbol, model.timeframe)


def _stream(symbol: str, timeframe: Timeframe) -> dict[str, str]:
    return {"symbol": symbol, "timeframe": str(timeframe)}


def _share(words: Words, share: Decimal | None) -> str:
    return "–" if share is None else f"{words.number(100 * share, 1)} %"
