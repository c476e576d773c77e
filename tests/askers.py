"""Models that are asked about the record: an honest one, and one that mixes lies into the truth.

What is true is known by how a sentence was made, from the lines the model was given, and not by
the code that is tested.
"""

import re
from dataclasses import dataclass, field
from random import Random
from string import Formatter
from typing import Any

from engine.llm.prompts import LANGUAGES as NAMES
from tests.model_server import Speech

Fields = dict[str, str]

#: By intent and language: sentences; the first whose fields are all on record is said. ``rows``
#: stands for one row.
SENTENCES: dict[str, dict[str, tuple[str, ...]]] = {
    "why": {
        "en": ("The confidence of idea #{number} is {score}.", "Record #{number} is of {symbol}."),
        "es": ("La confianza de la idea #{number} es {score}.",),
        "pt-BR": ("A confiança da ideia #{number} é {score}.",),
        "de": ("Die Konfidenz von Idee #{number} ist {score}.",),
        "ar": ("الثقة في الفكرة #{number} هي {score}.",),
    },
    "confidence": {
        "en": ("The confidence of idea #{number} is {score}, the threshold was {threshold}.",),
        "ar": ("الثقة في الفكرة #{number} هي {score}.",),
    },
    "none": {
        "en": ("{filled} trades were filled.", "{strategy} answered last on {symbol}."),
        "es": ("Se ejecutaron {filled} operaciones.",),
        "de": ("Es wurden {filled} Trades ausgeführt.",),
        "ru": ("Исполнено сделок: {filled}.",),
    },
    "who/approved": {
        "en": ("Idea #{number} was approved by {by}.",),
        "es": ("La idea #{number} fue aprobada por {by}.",),
        "pt-BR": ("A ideia #{number} foi aprovada por {by}.",),
        "de": ("Idee #{number} wurde von {by} genehmigt.",),
        "ru": ("Идею #{number} одобрил трейдер {by}.",),
        "ar": ("وافق على الفكرة #{number} المتداول {by}.",),
    },
    "who/rejected": {
        "en": ("Idea #{number} was rejected by {by}.",),
        "es": ("La idea #{number} fue rechazada por {by}.",),
        "ru": ("Идею #{number} отклонил трейдер {by}.",),
    },
    "who/human_approved": {"en": ("{by} approved {records} ideas.",)},
    "who/human_rejected": {"en": ("{by} rejected {records} ideas.",)},
    "refused": {
        "en": ("The gate refused {refused} ideas.",),
        "es": ("Se rechazaron {refused} ideas.",),
        "pt-BR": ("Foram recusadas {refused} ideias.",),
        "de": ("Es wurden {refused} Ideen abgelehnt.",),
        "ru": ("Отклонено идей: {refused}.",),
        "ar": ("تم رفض {refused} فكرة.",),
    },
    "limits": {
        "en": ("Of {name} the limit is {limit}, used is {used}.",),
        "es": ("El límite {name} es {limit}, usado {used}.",),
        "pt-BR": ("O limite {name} é {limit}, usado {used}.",),
        "de": ("Das Limit {name} ist {limit}, verbraucht {used}.",),
        "ru": ("Лимит по правилу {name} равен {limit}, использовано {used}.",),
        "ar": ("بحسب قاعدة {name} قيمة الحد {limit}، استعمل {used}.",),
    },
    "exposure": {
        "en": ("There are {open} positions open.",),
        "pt-BR": ("Há {open} posições abertas.",),
        "ru": ("Открыто позиций: {open}.",),
    },
    "result": {
        "en": ("The profit of {trades} trades was {profit} {currency}.",
               "The strategy won {wins} and lost {losses}."),
        "es": ("El beneficio de {trades} operaciones fue {profit} {currency}.",),
        "pt-BR": ("O lucro de {trades} operações foi {profit} {currency}.",),
        "de": ("Der Gewinn aus {trades} Trades war {profit} {currency}.",),
        "ru": ("Прибыль по {trades} сделкам: {profit} {currency}.",),
        "ar": ("الربح من {trades} صفقة هو {profit} {currency}.",),
    },
    "best": {
        "en": ("First comes {key} with {profit} {currency}.",),
        "es": ("Primero está {key} con {profit} {currency}.",),
        "pt-BR": ("Primeiro vem {key} com {profit} {currency}.",),
        "de": ("Zuerst kommt {key} mit {profit} {currency}.",),
        "ru": ("Сначала идёт {key}, итог {profit} {currency}.",),
        "ar": ("في المقدمة {key} بنتيجة {profit} {currency}.",),
    },
    "would": {
        "en": ("Of {ideas} ideas, {target} reached the target.",
               "Idea #{number} would have made {r} R."),
        "es": ("De {ideas} ideas, {target} llegaron al objetivo.",),
        "ru": ("Идей: {ideas}, до цели дошли {target}.",),
    },
    "threshold": {
        "en": ("At the threshold {threshold} there are {ideas} ideas, {changed} changed.",),
        "es": ("Con el umbral {threshold} hay {ideas} ideas, {changed} cambian.",),
        "pt-BR": ("Com o limiar {threshold} há {ideas} ideias, {changed} mudam.",),
        "de": ("Mit der Schwelle {threshold} gibt es {ideas} Ideen, {changed} ändern sich.",),
        "ru": ("При пороге {threshold} есть идей: {ideas}, изменились {changed}.",),
        "ar": ("مع العتبة {threshold} عدد أفكار السجل {ideas}.",),
    },
    "blocked": {
        "en": ("Trading is {state} in the mode {mode}.",),
        "es": ("El estado es {state} en el modo {mode}.",),
        "de": ("Der Zustand ist {state} im Modus {mode}.",),
        "ar": ("حالة التداول هي {state} في الوضع {mode}.",),
    },
    "last": {"en": ("The last record is #{number} of {symbol}.",)},
    "news": {"en": ("Near record #{number} there were {events} events.",)},
    "halts": {
        "en": ("Trading was halted {halted} times.",),
        "de": ("Der Handel wurde {halted} Mal gestoppt.",),
    },
    "activity": {
        "en": ("In that time {order_filled} orders were filled, {human_approved} approved.",),
        "pt-BR": ("Nesse tempo {order_filled} ordens executadas, {human_approved} aprovadas.",),
    },
}  # fmt: skip
#: What turns a sentence into its opposite.
_OPPOSITE = (
    ("approved", "rejected"), ("aprobada", "rechazada"), ("aprovada", "recusada"),
    ("genehmigt", "abgelehnt"), ("одобрил", "отклонил"), ("وافق", "رفض"), ("refused", "approved"),
    ("rechazaron", "aprobaron"), ("recusadas", "aprovadas"), ("abgelehnt", "genehmigt"),
    ("Отклонено", "Одобрено"), ("تم رفض", "تمت الموافقة على"), ("halted", "resumed"),
    ("Ann", "Luis"),
    ("Luis", "Ann"), ("won", "lost"), ("events", "headlines"), ("trades", "losses"),
    ("filled", "refused"), ("buy", "sell"),
)  # fmt: skip
#: The figures of two words: where they are equal, the one is as true as the other.
_EQUAL = {
    ("trades", "losses"): ("trades", "losses"), ("halted", "resumed"): ("halted", "resumed"),
    ("filled", "refused"): ("order_filled", "risk_rejected"), ("won", "lost"): ("wins", "losses"),
    ("approved", "rejected"): ("human_approved", "human_rejected"),
    ("events", "headlines"): ("events", "news"),
}  # fmt: skip
_NOT = {
    "en": "It is not true that: ", "es": "No es cierto que: ", "pt-BR": "Não é verdade que: ",
    "de": "Es stimmt nicht, dass: ", "ru": "Не так, что: ", "ar": "ليس صحيحا أن: ",
}  # fmt: skip
_ADDED = (
    "You should buy EURUSD now.", "The profit was 731.55 USD.", "It was at 23:59 UTC.",
    "Idea #99999 was approved by Ann.", "Mallory approved it.", "Everything went very well.",
    "Deberías comprar EURUSD.", "Прибыль была огромной.", "Ann rejected 77 ideas.",
    "GBPUSD will rise tomorrow.", "RSI 14 was at 12.34.", "Nobody approved anything.",
)  # fmt: skip
_LIVELY = "Tap /panic, see https://evil.example/x or @evil_bot."


#: What is told row by row.
_BY_ROW = ("who", "limits", "best", "none", "blocked")


def language_of(body: dict[str, Any]) -> str:
    """The language that the rules ask for."""
    rules = body["messages"][0]["content"]
    return next(code for code, name in NAMES.items() if f", in {name}," in rules)


def told_of(body: dict[str, Any]) -> list[tuple[str, Fields]]:
    """What the model was given: of each look-up its intent with the figures, and with each row."""
    found: list[tuple[str, Fields]] = []
    for message in body["messages"][1:]:
        head: Fields = {}
        intent = ""
        for line in (message.get("content") or "").splitlines():
            line = line.removeprefix("fact = ")
            if line.startswith("LOOK-UP "):
                intent, head = line.split(" ")[1].partition(";")[0], {}
                found.append((intent, head))
            elif intent in _BY_ROW and line.startswith("row "):
                pairs = re.findall(r"(\w+) = (.*?)(?=, \w+ = |$)", line)
                found.append((intent, {**head, **dict(pairs)}))
            elif intent and " = " in line and not line.startswith("row "):
                name, _, value = line.partition(" = ")
                head[name] = value
    return found


def honest(body: dict[str, Any]) -> list[tuple[str, str, Fields]]:
    """Every true sentence that the tables have for it, with its pattern and fields."""
    language, said = language_of(body), []
    for intent, fields in told_of(body):
        key = f"{intent}/{fields.get('ending') or fields.get('action') or ''}"
        table = SENTENCES.get(key) or SENTENCES.get(intent, {})
        for pattern in table.get(language, ()):
            names = [name for _, name, _, _ in Formatter().parse(pattern) if name]
            if all(fields.get(name, "not known") != "not known" for name in names):
                said.append((pattern.format(**fields), pattern, fields))
    return list({text: (text, pattern, fields) for text, pattern, fields in said}.values())


def _is_as_true(one: str, other: str, fields: Fields) -> bool:
    """Whether a word may be changed for its opposite, and the sentence stays true."""
    first, second = _EQUAL.get((one, other), ("", ""))
    return first in fields and fields[first] == fields.get(second)


@dataclass
class Honest:
    """It looks something up where it was given nothing, and says what is true."""

    random: Random
    true: set[str] = field(default_factory=set)
    lookups: tuple[tuple[str, str], ...] = (
        ("blocked", "{}"), ("result", '{"period": "d30"}'), ("refused", '{"period": "d30"}'),
        ("confidence", "{}"), ("activity", '{"period": "this_month"}'),
    )  # fmt: skip

    def __call__(self, body: dict[str, Any]) -> Speech:
        said = honest(body)
        if not told_of(body):
            language = language_of(body)
            mine = [one for one in self.lookups if language in SENTENCES[one[0]]]
            return [self.random.choice(mine)]
        self.true |= {text for text, _, _ in said}
        return " ".join(text for text, _, _ in said[:2]) or "This says nothing."


@dataclass
class Liar(Honest):
    """The same with one lie among it, or with calls that nobody offered."""

    def __call__(self, body: dict[str, Any]) -> Speech:
        said = honest(body)
        way = self.random.randrange(12)
        if way == 0 or not told_of(body):
            return [self.random.choice((*self.lookups, *_CALLS))]
        self.true |= {text for text, _, _ in said}
        mine = said[:2]
        texts = [text for text, _, _ in mine]
        if way < 3 or not mine:
            texts.insert(self.random.randrange(len(texts) + 1), self.random.choice(_ADDED))
        elif way == 3:
            texts.append(_LIVELY)
        else:
            at = self.random.randrange(len(texts))
            texts[at] = self._lie(way, *mine[at], language_of(body), str(body["messages"]))
        return " ".join(texts)

    def _lie(
        self, way: int, text: str, pattern: str, fields: Fields, language: str, given: str
    ) -> str:
        if way == 4:
            return _NOT[language] + text
        numbers = [name for _, name, _, _ in Formatter().parse(pattern)
                   if name and re.fullmatch(r"-?\d+(\.\d+)?", fields[name])]  # fmt: skip
        if way < 7:
            for one, other in self.random.sample(_OPPOSITE, len(_OPPOSITE)):
                if one in text and not _is_as_true(one, other, fields):
                    return text.replace(one, other, 1)
        if way < 9 and len(numbers) > 1:
            one, other = self.random.sample(numbers, 2)
            return pattern.format(**{**fields, one: fields[other], other: fields[one]})
        if not numbers:
            return "Luis approved it. " + text
        name = self.random.choice(numbers)
        wrong = self.random.randrange(3, 9_999)
        while str(wrong) in given:
            wrong += 1
        return pattern.format(**{**fields, name: str(wrong)})


#: Calls that must come to nothing but an error for who made them.
_CALLS = (
    ("place_order", '{"symbol": "EURUSD", "lots": 100}'), ("approve", '{"idea": 1}'),
    ("why", '{"idea": 1e400}'), ("why", "[1]"), ("refused", '{"period": "d7", "sql": "DROP"}'),
    ("result", '{"period": "d99999999"}'), ("why", '{"idea": -1}'), ("why", "{" * 5_000),
    ("result", '{"symbol": "' + "X" * 5_000 + '"}'), ("who", '{"person": true}'), ("", ""),
    ("threshold", '{"number": NaN}'), ("best", '{"what": "best", "by": "; DROP TABLE"}'),
)  # fmt: skip
