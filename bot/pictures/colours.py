"""What each colour says. Meanings also differ by dash, hatch, shape or word, never by hue alone.

The colours were found by a search for the greatest distance between the two nearest of them, seen
by normal eyes and as Machado, Oliveira and Fernandes (2009, doi:10.1109/TVCG.2009.113) simulate
full protanopia, deuteranopia and tritanopia, each legible on the paper to all of them. A test holds
both.
"""

PAPER, GRID, INK, DIM = "#10161F", "#243040", "#F2F5F9", "#A3B1C2"

#: Of candles and of directions: bought or risen, sold or fallen.
UP, DOWN = "#48BDE1", "#D38025"
ENTRY, FILL, STOP, TARGET = "#FFFFFF", "#BCBCBD", "#F4637C", "#23F25D"
NEWS, FAST, SLOW, ZONE = "#F6EC3B", "#BFEBB3", "#A061FB", "#598FA5"

MEANINGS = {
    "up": UP,
    "down": DOWN,
    "entry": ENTRY,
    "fill": FILL,
    "stop": STOP,
    "target": TARGET,
    "news": NEWS,
    "fast average": FAST,
    "slow average": SLOW,
    "zone": ZONE,
    "paper": PAPER,
}
