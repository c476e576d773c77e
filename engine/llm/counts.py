"""Numbers, and the word beside each that says what it is.

A number alone fits many things: twelve trades are not twelve losses. So in each part of a sentence
every number goes with the word that is nearest, each word with one number, and it has to be a word
for that figure.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from engine.llm.evidence import Evidence, Figure, Unit
from engine.llm.figures import figures, matches, normal

_LETTERS = re.compile(r"[^\W\d_]+")
_REJECTED = (
    "refus* reject* rechaz* recus* rejeit* abgelehnt* ablehn* verweiger* отклон* отказ* رفض* مرفوض*"
)
_TRADES = (
    "trade trades operaci* operaç* operações transac* сдел* صفقة صفقات الصفقات fill* ejecut*"
    " execut* ausgeführt* исполн* نفذ* تنفيذ* closed cerrad* fechad* geschlossen*"
    " закрыт*"
)
_STOPPED = (
    "halt* stopp* pause* deten* detuv* parad* pausad* interromp* gestoppt* angehalten* остан*"
    " приостан* أوقف* توقف* متوقف* إيقاف*"
)
#: Names of figures (with blanks between), and words for them in the six languages.
_WORDS = MappingProxyType({
    "refused risk_rejected human_rejected order_rejected broker": _REJECTED,
    "limit": "limit* límite* limite* grenze лимит* حد الحد",
    "used": "used usado* usada* verbraucht* genutzt* использован* استعمل* استخدم* مستخدم*",
    "left": "left remain* queda* resta* übrig* остал* остаё* متبق* المتبقي*",
    "profit": "profit* beneficio* lucro* gewinn прибыль ربح الربح",
    "score": "confidence confianza confiança konfidenz уверенност* ثقة الثقة",
    "threshold": "threshold umbral limiar schwelle порог* عتبة العتبة",
    "trades filled closed order_filled ai_auto_executed": _TRADES,
    "wins win_rate best profit favourable total_r r": "win wins won winner* ganad* ganó vitóri*"
    " gewinn* gewonnen* прибыльн* выигр* رابح*",
    "losses lost worst profit adverse total_r r": "loss losses lost loser* pérdida* perdid* perd*"
    " verlust* verlor* verloren*"
    " убыт* потер* خسار* خاسر*",
    "ideas ai_proposed": "idea ideas idee ideen ideia ideias иде* فكرة فكر* أفكار الأفكار",
    "human_approved answers": "approv* aprob* aprov* genehmig* одобр* وافق* موافق*",
    "idea_expired timed_out": "expir* timed caduc* venc* abgelaufen* verfallen* истек* истёк*"
    " просроч* انته*",
    "halted ai_halted": _STOPPED,
    "resumed": "resum* restart* reanud* retom* fortgesetzt* возобнов* استأنف* استئناف*",
    "target": "target* objetivo* alvo* ziel* цел* هدف الهدف",
    "stop": "stop stops стоп* وقف الوقف",
    "changed": "chang* cambi* mud* änder* geändert* измен* تغي* تتغير",
    "reached_before reached_after": "reach* alcanz* alcanç* erreich* достиг* بلغ* وصل*",
    "execute_before execute_after": "execut* ejecut* ausgeführt* исполн* نفذ* تنفذ*",
    "events": "event* release* evento* publicac* ereignis* termin* событ* حدث أحداث",
    "news": "news headline* noticia* notícia* titular* nachricht* schlagzeile* новост* خبر أخبار",
    "held": "held block* reten* bloque* bloqu* zurückgehalten* blockiert* удерж* заблок* حجب*",
    "open": "open* position* abiert* abert* offen* открыт* позиц* مفتوح* مركز مراكز",
    "no_trade": "no_trade ruhig* candle* vela* kerze* свеч* شمعة",
    "unknown": "unknown desconocid* desconhecid* unbekannt* неизвест* مجهول*",
})  # fmt: skip


#: Words that name a thing and not what became of it: another word may say that of the same number.
_NOUNS = (
    "trade trades operaci* operaç* operações transac* сдел* صفقة صفقات الصفقات idea ideas idee"
    " ideen ideia ideias иде* فكرة فكر* أفكار الأفكار"
)
COUNTABLE = frozenset(name for names in _WORDS for name in names.split())


@dataclass(frozen=True, slots=True)
class _Word:
    start: int
    end: int
    names: frozenset[str]
    is_noun: bool


@dataclass(frozen=True, slots=True)
class _Number:
    start: int
    end: int
    text: str
    meant: tuple[Figure, ...]

    @property
    def names(self) -> frozenset[str]:
        """The figures it may be."""
        return frozenset(figure.name for figure in self.meant)


def miscounted(part: str, evidence: Evidence, language: str) -> tuple[list[str], str]:
    """Numbers of a part of a sentence that stand beside a word for something else; and the part
    without the counts that stand right beside their own word, which are accounted for.
    """
    plain = normal(part)
    words = list(_words(plain, {figure.name for figure in evidence.figures}))
    numbers = list(_numbers(plain, evidence, language))
    pairs = _paired(numbers, words)
    wrong, known = [], []
    for number in numbers:
        word = pairs.get(number)
        if not _is_said(number, word):
            wrong.append(number.text)
        elif word is not None and _far(number, word) <= 1:
            known.append(number)
    taken = set(pairs.values())
    for word in words:
        if word.is_noun or word in taken or not numbers:
            continue
        nearest = min(numbers, key=lambda number: _far(number, word))
        if not word.names & nearest.names:
            wrong.append(plain[word.start : word.end])
    for number in known:
        plain = plain[: number.start] + " " * (number.end - number.start) + plain[number.end :]
    return wrong, plain


def _words(plain: str, names: set[str]) -> Iterator[_Word]:
    """Words for figures that are on record here."""
    for found in _LETTERS.finditer(plain):
        low = found[0].lower()
        mine = [
            name
            for listed, words in _WORDS.items()
            if matches(low, words)
            for name in listed.split()
            if name in names
        ]
        if mine:
            yield _Word(found.start(), found.end(), frozenset(mine), matches(low, _NOUNS))


def _numbers(plain: str, evidence: Evidence, language: str) -> Iterator[_Number]:
    """Numbers that are figures here; those of records, days and times are looked at elsewhere."""
    for seen in figures(plain, language):
        around = plain[max(0, seen.start - 1) : seen.start], plain[seen.end : seen.end + 1]
        if around[0] in ("#", "№", ":", "/") or around[1] in (":", "/"):
            continue
        meant = tuple(
            figure
            for figure in evidence.figures
            if any(_is(figure, value, places) for value, places in seen.values)
        )
        if meant:
            yield _Number(seen.start, seen.end, seen.text, meant)


def _paired(numbers: Sequence[_Number], words: Sequence[_Word]) -> dict[_Number, _Word]:
    """Each number with the word that is nearest, the nearest pairs first, no word twice."""
    order = sorted(
        ((_far(number, word), place, number, word)
         for number in numbers for place, word in enumerate(words)),
        key=lambda pair: pair[:2],
    )  # fmt: skip
    found: dict[_Number, _Word] = {}
    for _, _, number, word in order:
        if number not in found and word not in found.values():
            found[number] = word
    return found


def _far(number: _Number, word: _Word) -> int:
    return max(number.start - word.end, word.start - number.end)


def _is_said(number: _Number, word: _Word | None) -> bool:
    if word is not None:
        return bool(word.names & number.names)
    # Without a word a count says nothing; a price or an amount has its unit.
    counts = all(figure.unit is Unit.COUNT for figure in number.meant)
    return not (counts and number.names <= COUNTABLE)


def _is(figure: Figure, value: Decimal, places: int) -> bool:
    kept = abs(figure.value)
    return value == kept or (places > 0 and value == kept.quantize(Decimal(1).scaleb(-places)))
