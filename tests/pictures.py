"""What the tests of pictures share: words in scripts of their own, and what lies on a canvas."""

import itertools
import struct
from dataclasses import replace

import pytest

from bot import i18n
from bot.pictures.canvas import WIDTH, Canvas

RUSSIAN = {
    "chart.title": "{symbol} {timeframe} · {time}",
    "chart.entry": "вход",
    "chart.stop": "стоп",
    "chart.target": "цель",
    "chart.fill": "исполнено",
    "picture.support": "поддержка",
    "picture.resistance": "сопротивление",
    "picture.session": "часы стратегии",
    "picture.equity": "Капитал",
    "picture.equity_title": "Капитал · {span}",
    "picture.equity_change": "{start} → {end} ({percent} %)",
    "picture.drawdown": "макс. просадка {percent} %",
    "picture.percent": "{percent} %",
    "picture.nothing_yet": "пока нечего рисовать",
    "picture.exposure": "Открыто",
    "picture.exposure_title": "Открыто, {currency}",
    "picture.by_currency": "по валютам",
    "picture.by_symbol": "по инструментам",
    "picture.nothing_open": "нет открытых сделок",
}
ARABIC = {
    "chart.title": "{symbol} {timeframe} · {time}",
    "chart.entry": "الدخول",
    "chart.stop": "وقف الخسارة",
    "chart.target": "الهدف",
    "chart.fill": "التنفيذ",
    "picture.support": "دعم",
    "picture.resistance": "مقاومة",
    "picture.session": "ساعات الاستراتيجية",
    "picture.equity": "حقوق الملكية",
    "picture.equity_title": "حقوق الملكية · {span}",
    "picture.equity_change": "{start} ← {end} ({percent}%)",
    "picture.drawdown": "أقصى تراجع {percent}%",
    "picture.percent": "{percent}%",
    "picture.nothing_yet": "لا شيء لرسمه بعد",
    "picture.exposure": "التعرض",
    "picture.exposure_title": "التعرض بعملة {currency}",
    "picture.by_currency": "حسب العملة",
    "picture.by_symbol": "حسب الرمز",
    "picture.nothing_open": "لا صفقات مفتوحة",
}


def speak(monkeypatch: pytest.MonkeyPatch, texts: dict[str, dict[str, str]]) -> None:
    """Give languages words of their own, by their codes; what is missing is English."""
    shipped = i18n._catalogue

    def catalogue(tag: str):
        if tag not in texts:
            return shipped(tag)
        return replace(
            shipped("en"), texts=shipped("en").texts | {k: (v,) for k, v in texts[tag].items()}
        )

    monkeypatch.setattr(i18n, "_catalogue", catalogue)


def size(picture: bytes) -> tuple[int, int]:
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", picture[16:24])
    return width, height


def check_places(canvas: Canvas) -> None:
    """Every text lies on the paper and none on another."""
    assert canvas.taken
    for left, foot, right, head in canvas.taken:
        assert 0 <= left < right <= WIDTH
        assert 0 <= foot < head <= canvas.height
    for one, other in itertools.combinations(canvas.taken, 2):
        apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
        assert apart, (one, other)


@pytest.fixture
def letters(monkeypatch):
    """The sizes of all letters written, in pixels."""
    seen: list[float] = []
    write = Canvas.text

    def watched(self, x, y, text, size, colour, align=0):
        seen.append(size)
        write(self, x, y, text, size, colour, align)

    monkeypatch.setattr(Canvas, "text", watched)
    return seen
