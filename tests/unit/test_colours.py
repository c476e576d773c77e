"""Colours: told apart by every kind of eyes, readable, and not lost in the palette of the file."""

import io
import itertools
import math

import pytest
from PIL import Image

from bot.i18n import Words
from bot.pictures.canvas import Canvas
from bot.pictures.colours import DIM, INK, MEANINGS, PAPER

#: Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation of Color Vision
#: Deficiency", IEEE TVCG 15(6), 2009, doi:10.1109/TVCG.2009.113: severity 1.0, on linear RGB.
EYES = {
    "all cones": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
#: CIE 1976 ΔE; 2.3 is just noticeable side by side (Mahy 1994), lines apart need several times it.
LEAST = 18.0
#: What must never be taken for the other.
OPPOSITES = (("stop", "target"), ("up", "down"), ("stop", "entry"), ("target", "entry"))


def linear(colour):
    """IEC 61966-2-1."""
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]


def seen(colour, eyes):
    return [min(1, max(0, sumprod(row, linear(colour)))) for row in EYES[eyes]]


def lab(rgb):
    """CIE L*a*b* of linear sRGB under D65."""
    rows = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    white = (0.95047, 1.0, 1.08883)
    ratios = (sumprod(row, rgb) / w for row, w in zip(rows, white, strict=True))
    x, y, z = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in ratios)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def sumprod(row, rgb):
    return sum(a * b for a, b in zip(row, rgb, strict=True))


def luminance(colour, eyes):
    return sumprod((0.2126, 0.7152, 0.0722), seen(colour, eyes))


def test_the_simulation_confuses_what_such_eyes_confuse():
    red, green = "#BF5B00", "#6F7F00"
    far = math.dist(lab(seen(red, "all cones")), lab(seen(green, "all cones")))
    near = math.dist(lab(seen(red, "deuteranopia")), lab(seen(green, "deuteranopia")))
    assert near < far / 2


@pytest.mark.parametrize("eyes", EYES)
def test_no_two_meanings_look_alike(eyes):
    for one, other in itertools.combinations(MEANINGS, 2):
        distance = math.dist(lab(seen(MEANINGS[one], eyes)), lab(seen(MEANINGS[other], eyes)))
        assert distance >= LEAST, f"{one} and {other} to eyes with {eyes}: {distance:.1f}"


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize(("one", "other"), OPPOSITES)
def test_opposites_are_far_apart(one, other, eyes):
    pair = (lab(seen(MEANINGS[name], eyes)) for name in (one, other))
    assert math.dist(*pair) >= 30


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize("colour", sorted({*MEANINGS.values(), DIM, INK} - {PAPER}))
def test_every_colour_can_be_read_on_the_paper_and_written_on(colour, eyes):
    """WCAG 2.2, success criterion 1.4.3: 4.5 to 1."""
    assert (luminance(colour, eyes) + 0.05) / (luminance(PAPER, eyes) + 0.05) >= 4.5


def test_the_palette_of_the_file_keeps_every_colour():
    canvas = Canvas(600, Words("en"), "x")
    for place, (name, colour) in enumerate(MEANINGS.items()):
        canvas.tag((10, 10 + 40 * place, 300, 40 + 40 * place), name, 22, colour)
    with Image.open(io.BytesIO(canvas.png())) as picture:
        flat = picture.convert("RGB")
    for place, colour in enumerate(MEANINGS.values()):
        found = "#{:02X}{:02X}{:02X}".format(*flat.getpixel((14, 600 - 14 - 40 * place)))
        assert math.dist(lab(linear(found)), lab(linear(colour))) < 3, colour
