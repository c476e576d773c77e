"""What a sentence claims besides its figures: that somebody said yes or no, that something was
bought, sold, lost or stopped, that there was none, or what ought to be done.

A pure function over a sentence and the codes of the record that it is held against. The words are
those of the six languages; a word that is not listed claims nothing here, so this narrows what
:func:`engine.llm.grounding.ground` lets through and never widens it.
"""

import re
from collections.abc import Iterator
from types import MappingProxyType

from engine.llm.counts import COUNTABLE
from engine.llm.evidence import Evidence, Unit
from engine.llm.figures import matches

_LETTERS = re.compile(r"[^\W\d_]+")

#: What is claimed: parts of codes of the record that say so, and words for it.
_CLAIMS = MappingProxyType({
    "yes": (("approv", "confirm"),
        "approv* accepted confirmed aprob* aceptó aprov* aceitou genehmig* zugestimmt bestätigt*"
        " одобр* подтвер* принял* وافق* موافق* اعتمد*"),
    "no": (("reject", "refus", "fail", "blocked", "held", "broker"),
        "reject* refus* declin* denied rechaz* deneg* rejeit* recus* abgelehnt* ablehn*"
        " verweiger* отклон* отказ* отверг* رفض* رفضت* مرفوض* المرفوض*"),
    "expired": (("expir",),
        "expir* lapsed caduc* venció vencid* venceu abgelaufen* verfallen* истек* истёк*"
        " просроч* انتهت انتهى"),
    "buy": (("buy", "long"),
        "bought buy* long compr* largo* gekauft kauf* купл* купил* покуп* лонг* شراء اشتر* الشراء"),
    "sell": (("sell", "short"),
        "sold sell* short vend* corto* verkauf* прода* шорт* بيع باع* البيع"),
    "halted": (("halt", "stop", "paus"),
        "stopped halted halts paused deten* detuv* pausad* parad* interromp* gestoppt* angehalten*"
        " pausiert* остановлен* остановил* приостан* أوقف* توقف* متوقف*"),
    "resumed": (("resum", "running"),
        "resumed resumes restarted reanud* retom* fortgesetzt* возобнов* استأنف* استئناف"),
    "lost": (("loss", "lost", "unknown"),
        "loss losses lost lose loses losing pérdida pérdidas perdió perda perdas perdeu verlust*"
        " verlor verloren убыт* потер* خسارة خسائر خسر*"),
})  # fmt: skip
#: Nobody, never, none: what only a record of nothing bears out.
_NONE = (
    "no not never nobody none nothing without neither nor nunca nadie ningun* ningún nada sin"
    " tampoco não nunca ninguém nenhum* sem nicht kein* nie niemand nichts ohne weder не нет никто"
    " никогда ни ничего без لا لم ليس ليست لن بدون غير أحد"
    " isn doesn didn wasn weren aren don hasn"
)
#: What ought to be done, or is to come: no record says it.
_ADVICE = (
    "true truth false untrue wrong cierto cierta verdad verdade falso falsa stimmt wahr falsch"
    " unwahr верно правда неверно неправда ложь так صحيح صحيحا خطأ"
    " should ought recommend* advise* suggest* must will tomorrow guarantee* certainly definitely"
    " deberí* debe deben recomend* aconsej* mañana será garantiz* deveri* deve devem amanhã garant*"
    " sollte* sollst empfehl* empfiehlt morgen garantier* muss müssen следует рекоменд* советую"
    " завтра будет гарант* должн* нужно ينبغي أنصح أوصي غدا سوف يجب"
)
_YES_OR_NO = ("yes", "no")


def claims_against(part: str, evidence: Evidence, codes: frozenset[str]) -> Iterator[str]:
    """The words of a part of a sentence that the record does not bear out. ``codes`` are the
    record's own: of actions, states and reasons, and names of figures that are not zero.
    """
    words = [found.lower() for found in _LETTERS.findall(part)]
    zeros = frozenset(figure.name for figure in evidence.figures if figure.value == 0)
    # Of what did not happen it may be said that it happened zero times.
    known = codes | (zeros if re.search(r"(?<![\d.,])0(?![\d.,]\d|\d)", part) else frozenset())
    for claim, (parts, listed) in _CLAIMS.items():
        if claim == "lost" and _has_loss(evidence):
            continue
        if not any(piece in code for code in known for piece in parts):
            yield from (word for word in words if matches(word, listed))


def told_off(sentence: str, nothing: bool) -> Iterator[str]:
    """Words that no record bears out, whatever they are about: advice, forecasts, and "no" and
    "not", unless it is ``nothing`` that is on record and no number stands beside them.
    """
    words = [found.lower() for found in _LETTERS.findall(sentence)]
    yield from (word for word in words if matches(word, _ADVICE))
    if not nothing or any(letter.isdecimal() for letter in sentence):
        yield from (word for word in words if matches(word, _NONE))


def is_of_nothing(evidence: Evidence, codes: frozenset[str]) -> bool:
    """Whether there was nothing: what is asked for is missing, or all that is counted is zero."""
    counts = [figure.value for figure in evidence.figures if figure.name in COUNTABLE]
    return "missing" in codes or (bool(counts) and not any(counts))


def says_yes_or_no(sentence: str) -> bool:
    """Whether a sentence tells of somebody's answer, so that it has to say whose."""
    words = [found.lower() for found in _LETTERS.findall(sentence)]
    return any(matches(word, _CLAIMS[claim][1]) for claim in _YES_OR_NO for word in words)


def _has_loss(evidence: Evidence) -> bool:
    return any(
        figure.value < 0 and figure.unit in (Unit.MONEY, Unit.R, Unit.FIGURE, Unit.SCORE)
        for figure in evidence.figures
    )
