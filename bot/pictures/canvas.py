"""The paper of a picture and its pens: matplotlib's Agg without its figures, and its fonts.

A figure with artists lays every text out three times and costs four times what it draws; Agg's
renderer and FreeType's font are the same pens without it. Since matplotlib 3.11 the font shapes
text by HarfBuzz and orders right-to-left scripts, so Arabic is joined and reads from the right.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from html import unescape
from io import BytesIO
from typing import Any

from bot.i18n import LANGUAGES, Words
from bot.pictures.colours import PAPER

WIDTH, MARGIN = 780, 14
TITLE, SMALL = 30, 22  # heights of letters; SMALL is 11 points on the phone, the least
GAP, EDGE = 6, 4  # pixels between texts at least, and between a text and the paper's end

#: Marks of direction (Unicode standard annex 9): they order a text and have no letter in the font.
_MARKS = frozenset(map(ord, "\u061c\u200e\u200f\u2066\u2067\u2068\u2069"))
_DASHES = {"-": None, "--": (8.0, 5.0), ":": (2.0, 4.0), "-.": (10.0, 4.0, 2.0, 4.0)}
_CAPITAL = 0.729  # of a letter's height, in this font
_COLOURS, _LEVEL = 128, 3  # of the palette, and of zlib

Point = tuple[float, float]
Box = tuple[float, float, float, float]  # left, foot, right, head


@dataclass(frozen=True, slots=True)
class _Ink:
    """A text ready to be put on paper: its mask, its width and what lies under its line."""

    mask: Any
    width: float
    under: int


class Canvas:
    """A sheet of pixels, the first at the lower left; ``taken`` is where something is written."""

    def __init__(self, height: int, words: Words, sample: str) -> None:
        """``sample`` is a text in the words' language: a font that lacks its script (it lacks whole
        scripts, not letters) gets English instead.
        """
        # Heavy, and this module is imported by commands that must start at once.
        from matplotlib import get_data_path
        from matplotlib.backends.backend_agg import RendererAgg
        from matplotlib.font_manager import get_font

        self.height = height
        path = f"{get_data_path()}/fonts/ttf/DejaVuSans-Bold.ttf"
        self.font: Any = get_font(path)
        self._letters = _letters(path)
        self.words = words if self.held(sample) == sample else Words(LANGUAGES[0], words.timezone)
        self.pen: Any = RendererAgg(WIDTH, height, 72)  # type: ignore[no-untyped-call]
        self.taken: list[Box] = []
        self._inks: dict[tuple[str, float], _Ink] = {}
        self._written: list[tuple[Any, int, int, str]] = []
        self.boxes([(0, 0, WIDTH, height)], PAPER)

    def say(self, key: str, **values: object) -> str:
        """Words as plain text: a picture knows no markup."""
        return unescape(self.words(key, **values))

    def held(self, text: str) -> str:
        """The part of a text the font has letters for."""
        return "".join(letter for letter in text if ord(letter) in self._letters)

    def width(self, text: str, size: float) -> float:
        """How wide a text will be."""
        return self._ink(text, size).width

    def fit(self, text: str, size: float, room: float, tail: str = "") -> tuple[str, float]:
        """A text and the size at which it fits: smaller, then cut. ``tail`` stays whole."""
        whole = text + tail
        size = max(SMALL, min(size, size * room / max(1.0, self.width(whole, size))))
        while text and self.width(whole, size) > room:
            text = text[:-1].rstrip()
            whole = f"{text}…{tail}"
        return whole, size

    def text(
        self, x: float, y: float, text: str, size: float, colour: str, align: float = 0
    ) -> None:
        """Write a text, its capitals centred on ``y``; ``align`` 0 begins at x, 0.5 centres on it,
        1 ends there. What would leave the paper is moved back onto it.
        """
        ink = self._ink(text, size)
        rows, columns = ink.mask.shape
        left = round(min(max(x - align * ink.width, 0), max(0, WIDTH - columns)))
        foot = min(max(round(y - size * _CAPITAL / 2) - ink.under, 0), self.height - rows)
        if columns:
            self.taken.append((left, foot, left + columns, foot + rows))
            self._written.append((ink.mask, left, self.height - foot - rows, colour))

    def head(
        self, x: float, y: float, text: str, size: float, colour: str, *, at_end: bool = False
    ) -> None:
        """Write a text that begins so far from where its language begins to read (the right edge
        for Arabic), or ``at_end`` ends so far from the other edge.
        """
        from_right = at_end != self.words.is_rtl
        self.text(WIDTH - x if from_right else x, y, text, size, colour, int(from_right))

    def legend(self, y: float, names: Sequence[tuple[str, str]]) -> None:
        """Texts in a row, each after a dash in its colour or a triangle of its own; what has no
        room is left out.
        """
        x = float(MARGIN)
        for name, colour in names:
            dash = 0 if name.startswith(("▲", "▼")) else 40
            wide = dash + self.width(name, SMALL)
            if x + wide <= WIDTH - MARGIN:
                left = WIDTH - x - 30 if self.words.is_rtl else x
                self.boxes([(left, y - 3, left + min(dash, 30), y + 3)], colour)
                self.head(x + dash, y, name, SMALL, colour)
                x += wide + 26

    def text_if_free(
        self, x: float, y: float, text: str, size: float, colour: str, align: float = 0
    ) -> bool:
        """Write a text unless it would touch another one or leave the paper."""
        left, half = x - align * self.width(text, size), size / 2 + 3
        right = left + self.width(text, size)
        if (
            left < EDGE
            or right > WIDTH - EDGE
            or not self.is_free((left, y - half, right, y + half))
        ):
            return False
        self.text(x, y, text, size, colour, align)
        return True

    def is_free(self, box: Box) -> bool:
        """Whether nothing is written in a box, nor right beside it."""
        left, foot, right, head = box
        return all(
            right + GAP <= a or c + GAP <= left or head <= b or d <= foot
            for a, b, c, d in self.taken
        )

    def tag(self, box: Box, text: str, size: float, colour: str) -> None:
        """A coloured box with a text in its middle."""
        self.boxes([box], colour)
        left, foot, right, head = box
        self.text((left + right) / 2, (foot + head) / 2, text, size, PAPER, 0.5)
        self.taken[-1:] = [box]  # in place of the text, which lies within

    def lines(
        self, lines: Iterable[Sequence[Point]], colour: str, width: float, dash: str = "-"
    ) -> None:
        """Lines through points; of one point or none nothing is seen."""
        pen = self._pen(colour, width, 1)
        pen.set_dashes(0, _DASHES[dash])
        self._draw([line for line in lines if len(line) > 1], pen, None)

    def boxes(self, boxes: Sequence[Box], colour: str, alpha: float = 1) -> None:
        """Filled upright boxes."""
        self.shapes([((a, b), (c, b), (c, d), (a, d)) for a, b, c, d in boxes], colour, alpha)

    def shapes(self, shapes: Sequence[Sequence[Point]], colour: str, alpha: float = 1) -> None:
        """Filled shapes by their corners."""
        closed = [(*corners, corners[0]) for corners in shapes]
        self._draw(closed, self._pen(colour, 0, alpha), _rgb(colour))

    def hatched(self, box: Box, colour: str, step: int = 12) -> None:
        """Slanting lines over a box, for eyes that see no hue."""
        from matplotlib.transforms import Bbox

        left, foot, right, head = box
        tall, pen = head - foot, self._pen(colour, 2, 1)
        pen.set_clip_rectangle(Bbox.from_extents(left, foot, right, head))
        starts = range(int((left - tall) // step * step), int(right), step)
        self._draw([((x, foot), (x + tall, head)) for x in starts], pen, None)

    def png(self) -> bytes:
        """The picture as PNG in a palette, the smallest form of flat colours; texts lie on top."""
        from PIL import Image

        size = (WIDTH, self.height)
        whole = Image.frombuffer("RGBA", size, self.pen.buffer_rgba(), "raw", "RGBA", 0, 1)
        flat = whole.convert("RGB")
        for mask, left, top, colour in self._written:
            flat.paste(colour, (left, top), Image.fromarray(mask))
        picture = BytesIO()
        small = flat.quantize(_COLOURS, method=Image.Quantize.FASTOCTREE)
        small.save(picture, "PNG", compress_level=_LEVEL)
        return picture.getvalue()

    def _pen(self, colour: str, width: float, alpha: float) -> Any:
        pen = self.pen.new_gc()
        pen.set_foreground((*_rgb(colour), 1.0), isRGBA=True)
        pen.set_linewidth(width)
        pen.set_alpha(alpha)
        return pen

    def _draw(self, lines: Sequence[Sequence[Point]], pen: Any, face: Any) -> None:
        """All lines as one path: what Agg charges for is the call."""
        from matplotlib.path import Path
        from matplotlib.transforms import IdentityTransform

        points = [point for line in lines for point in line]
        if points:
            codes = [
                Path.LINETO if place else Path.MOVETO
                for line in lines
                for place in range(len(line))
            ]
            self.pen.draw_path(pen, Path(points, codes), IdentityTransform(), face)

    def _ink(self, text: str, size: float) -> _Ink:
        if (text, size) not in self._inks:
            from matplotlib.ft2font import LoadFlags

            self.font.set_size(size, 72)
            # Without hinting letters keep their widths, and are ready in half the time.
            self.font.set_text(self.held(text), 0, flags=LoadFlags.NO_HINTING)
            self.font.draw_glyphs_to_bitmap(antialiased=True)
            mask = self.font.get_image()
            under = round(self.font.get_descent() / 64)
            self._inks[text, size] = _Ink(mask, float(mask.shape[1]), under)
        return self._inks[text, size]


@cache
def _letters(path: str) -> frozenset[int]:
    from matplotlib.font_manager import get_font

    return _MARKS | get_font(path).get_charmap().keys()


@cache
def _rgb(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return red, green, blue
