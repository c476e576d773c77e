"""Texts about an idea in six languages: honest ones, and the same with one thing that is not true.

Whether a text is honest is known by how it was made, and not by the code that is tested.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from random import Random

from bot.i18n import Words
from engine.domain.idea import Idea
from engine.domain.snapshot import Bundle
from engine.llm.evidence import Evidence

D = Decimal
LANGUAGES = ("en", "es", "pt-BR", "de", "ru", "ar")

TEMPLATES: dict[str, tuple[str, ...]] = {
    "en": (
        "{symbol} {way} on {frame}: RSI 14 is at {rsi} and the close is {close}, with the EMA 20"
        " at {ema}.",
        "Confidence {score}/100: {strategy} of 50 for the strategy, {market} of 25 for the market"
        " and {account} of 25 for the account.",
        "Entry {entry}, stop {stop}, target {target}, an R:R of 1:{rr}; {money} ({percent}) is at"
        " risk.",
        "The spread is {spread} pips and the size {lots} lots; seen at {clock} UTC.",
        "Idea #{number} waits with a stop at {stop}, {far} pips away, and ATR (14) of {atr}.",
        "Equity stands at {equity}, so that the risk is {percent} of it.",
    ),
    "es": (
        "{symbol} {way} en {frame}: el RSI 14 está en {rsi} y el cierre en {close}, con la EMA 20"
        " en {ema}.",
        "Confianza {score} de 100: {strategy} de 50 por la estrategia, {market} de 25 por el"
        " mercado y {account} de 25 por la cuenta.",
        "Entrada {entry}, stop {stop}, objetivo {target}, R:R 1:{rr}; se arriesgan {money}"
        " ({percent}).",
        "El spread es de {spread} pips y el tamaño de {lots} lotes; visto a las {clock} UTC.",
        "La idea #{number} espera con el stop en {stop}, a {far} pips, y un ATR (14) de {atr}.",
        "El capital es de {equity}; el riesgo es el {percent}.",
    ),
    "pt-BR": (
        "{symbol} {way} em {frame}: o RSI 14 está em {rsi} e o fechamento em {close}, com a EMA 20"
        " em {ema}.",
        "Confiança {score} de 100: {strategy} de 50 pela estratégia, {market} de 25 pelo mercado"
        " e {account} de 25 pela conta.",
        "Entrada {entry}, stop {stop}, alvo {target}, R:R 1:{rr}; em risco {money} ({percent}).",
        "O spread é de {spread} pips e o tamanho de {lots} lotes; visto às {clock} UTC.",
        "A ideia #{number} espera com stop em {stop}, a {far} pips, e ATR (14) de {atr}.",
        "O capital é de {equity}; o risco é de {percent}.",
    ),
    "de": (
        "{symbol} {way} auf {frame}: Der RSI 14 liegt bei {rsi}, der Schlusskurs bei {close} und"
        " die EMA 20 bei {ema}.",
        "Konfidenz {score} von 100: {strategy} von 50 für die Strategie, {market} von 25 für den"
        " Markt und {account} von 25 für das Konto.",
        "Einstieg {entry}, Stop {stop}, Ziel {target}, CRV 1:{rr}; im Risiko {money} ({percent}).",
        "Der Spread ist {spread} Pips, die Größe {lots} Lots; gesehen um {clock} UTC.",
        "Idee #{number} wartet mit Stop bei {stop}, {far} Pips entfernt, und ATR (14) von {atr}.",
        "Das Kapital beträgt {equity}; das Risiko ist {percent}.",
    ),
    "ru": (
        "{symbol} {way} на {frame}: RSI 14 равен {rsi}, закрытие {close}, EMA 20 на {ema}.",
        "Уверенность {score} из 100: {strategy} из 50 за стратегию, {market} из 25 за рынок и"
        " {account} из 25 за счёт.",
        "Вход {entry}, стоп {stop}, цель {target}, R:R 1:{rr}; под риском {money} ({percent}).",
        "Спред {spread} пипса, размер {lots} лота; время {clock} UTC.",
        "Идея #{number} ждёт со стопом на {stop}, в {far} пипсах, при ATR (14) {atr}.",
        "Капитал {equity}; риск {percent}.",
    ),
    "ar": (
        "{symbol} {way} على {frame}: مؤشر RSI 14 عند {rsi} والإغلاق عند {close} ومتوسط EMA 20 عند"
        " {ema}.",
        "الثقة {score} من 100: {strategy} من 50 للاستراتيجية و {market} من 25 للسوق و {account}"
        " من 25 للحساب.",
        "الدخول {entry} ووقف الخسارة {stop} والهدف {target}، R:R 1:{rr}؛ المخاطرة {money}"
        " ({percent}).",
        "السبريد {spread} نقطة والحجم {lots} لوت؛ الوقت {clock} UTC.",
        "الفكرة #{number} تنتظر مع وقف الخسارة عند {stop}، وقيمة ATR (14) هي {atr}.",
        "رأس المال {equity}؛ المخاطرة {percent}.",
    ),
}
#: Lies that add something of their own.
LIES: dict[str, tuple[str, ...]] = {
    "en": ("Also buy GBPUSD.", "It wins 97.3 % of the time.", "See idea #{id}.", "Gold follows.",
           "At {time} it turns.", "Risk ten thousand dollars.", "Add 7 lots.", "½ is enough.",
           "Snapshot deadbeef0123 agrees.", "It is worth 5k USD.", "On 3 March 2031 it ends."),
    "es": ("Compra también GBPUSD.", "Acierta el 97,3 %.", "El oro acompaña.",
           "Arriesga diez mil dólares.", "A las {time} gira.", "Suma 7 lotes."),
    "pt-BR": ("Compre também GBPUSD.", "Acerta 97,3 %.", "O ouro acompanha.",
              "Arrisque dez mil dólares.", "Às {time} vira.", "Some 7 lotes."),
    "de": ("Kaufen Sie auch GBPUSD.", "Es gewinnt in 97,3 %.", "Setzen Sie zehntausend Dollar.",
           "Um {time} dreht es.", "Nehmen Sie 7 Lots.", "Der Dax steigt."),
    "ru": ("Купите ещё GBPUSD.", "Выигрывает в 97,3 %.", "Золото идёт следом.",
           "Рискните десятью тысячами.", "В {time} развернётся.", "Добавьте 7 лотов."),
    "ar": ("اشترِ GBPUSD أيضًا.", "تربح ٩٧٫٣٪ من المرات.", "الذهب يتبع.", "خاطر بعشرة آلاف دولار.",
           "عند {time} تنعكس.", "أضف ٧ لوتات."),
}  # fmt: skip


@dataclass(frozen=True)
class Scene:
    """An idea, the bundle that it rests on, and what may be said of it."""

    idea: Idea
    bundle: Bundle
    evidence: Evidence


def honest(found: Scene, language: str, random: Random) -> str:
    """A text of two or three sentences in which everything is true."""
    return _written(found, language, random, lambda _, text: text)


def dishonest(found: Scene, language: str, random: Random) -> str:
    """The same with one figure moved, or with a sentence that adds what nobody recorded."""
    if random.random() < 0.4:
        text = random.choice(LIES[language])
        said = {
            "id": found.idea.number + random.randint(1, 900),
            "time": _other_time(found, random),
        }
        return f"{honest(found, language, random)} {text.format_map(said)}"
    templates = random.sample(TEMPLATES[language], 2)
    names = [
        n for n in _slots(found, Words(language), random) if any(f"{{{n}}}" in t for t in templates)
    ]
    moved = random.choice([name for name in names if name not in ("symbol", "way", "frame")])

    def spoil(name: str, text: str) -> str:
        return _moved(text, found, random) if name == moved else text

    return _written(found, language, random, spoil, templates)


def _written(
    found: Scene, language: str, random: Random, change: Callable[[str, str], str],
    templates: list[str] | None = None,
) -> str:  # fmt: skip
    chosen = templates or random.sample(TEMPLATES[language], random.randint(2, 3))
    slots = _slots(found, Words(language), random)
    return " ".join(chosen).format_map({n: change(n, text) for n, text in slots.items()})


def _slots(found: Scene, words: Words, random: Random) -> dict[str, str]:
    """Every figure as somebody who writes this language may write it."""
    idea, bundle = found.idea, found.bundle
    digits, account = bundle.instrument.digits, bundle.account
    assert account is not None
    assert bundle.quote is not None
    plain_point = random.random() < 0.5

    def price(value: Decimal, places: int = digits) -> str:
        rounded = value.quantize(D(1).scaleb(-places), ROUND_HALF_UP)
        return f"{rounded:f}" if plain_point else words.number(rounded, places)

    def number(value: Decimal) -> str:
        return f"{value:f}" if words.language == "en" or plain_point else words.number(value)

    def money(value: Decimal) -> str:
        if random.random() < 0.5:
            return words.money(value, account.currency)
        return f"{words.number(value, 2)} {account.currency}"

    confidence, proposal = idea.confidence, idea.proposal
    rsi, atr, ema = (getattr(bundle.indicators, n) for n in ("rsi_14", "atr_14", "ema_20"))
    return {
        "symbol": bundle.symbol,
        "way": str(proposal.direction).upper(),
        "frame": str(bundle.timeframe),
        "rsi": number(rsi.quantize(D(random.choice(("1", "0.1", "0.01"))), ROUND_HALF_UP)),
        "atr": price(atr),
        "ema": price(ema),
        "close": price(bundle.candles[-1].close),
        "entry": price(proposal.entry),
        "stop": price(proposal.stop_loss, digits - random.choice((0, 1))),
        "target": price(proposal.take_profit[0]),
        "score": number(confidence.score),
        "strategy": number(confidence.strategy_match),
        "market": number(confidence.market_risk),
        "account": number(confidence.account_comfort),
        "rr": number(proposal.reward_ratio.quantize(D("0.1"))),
        "money": money(idea.sizing.risk_money),
        "equity": money(account.equity),
        "percent": number(idea.sizing.risk_percent) + random.choice((" %", "%", "\u00a0%")),
        "spread": number((bundle.quote.spread / bundle.instrument.pip).quantize(D("0.1"))),
        "far": number((proposal.risk / bundle.instrument.pip).quantize(D("0.1"))),
        "lots": number(idea.sizing.volume),
        "clock": f"{bundle.instant:%H:%M}",
        "number": str(idea.number),
    }


def _other_time(found: Scene, random: Random) -> str:
    known = {(at.hour, at.minute) for at in found.evidence.instants}
    while True:
        hour, minute = random.randint(0, 23), random.randint(1, 59)
        if (hour, minute) not in known:
            return f"{hour:02}:{minute:02}"


def _moved(text: str, found: Scene, random: Random) -> str:
    """A figure with one of its leading digits changed, so that it is none of those on record."""
    kept = {abs(figure.value) for figure in found.evidence.figures}
    places = [i for i, letter in enumerate(text) if letter.isdecimal()]
    for _ in range(200):
        where = random.choice(places[:3])
        other = text[:where] + random.choice("123456789") + text[where + 1 :]
        digits = "".join(letter if letter.isdecimal() else " " for letter in other).split()
        if other != text and not _may_be(digits, kept, found):
            return other
    return f"{text}99"


def _may_be(groups: list[str], kept: set[Decimal], found: Scene) -> bool:
    """Whether the same digits, wherever the point, could be one of the figures on record."""
    joined = "".join(groups)
    times = {f"{at:%H%M}" for at in found.evidence.instants}
    if joined in times or joined.lstrip("0") in found.evidence.ids:
        return True
    said = int(joined or "0")
    for value in kept:
        for power in range(-1, 9):
            scaled = value.scaleb(power)
            if said and abs(scaled - said) <= max(D("0.5"), scaled * D("0.03")):
                return True
    return any(abs(value - said) <= D("0.5") for value in kept)
