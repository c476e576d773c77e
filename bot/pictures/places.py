"""Where things go: labels that push each other aside, and round steps of a scale."""

from collections.abc import Sequence
from math import ceil, floor, log10


def spread(wanted: Sequence[float], size: float, low: float, high: float) -> list[float]:
    """Centres for labels ``size`` apart, inside ``low`` to ``high``, as near to the wanted ones as
    their order allows (least squares). They come closer than ``size`` only where all would not fit.
    """
    if not wanted:
        return []
    gap = min(size, (high - low) / max(1, len(wanted) - 1))
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    blocks: list[tuple[float, int]] = []  # mean and length of labels that push each other
    for rank, index in enumerate(order):
        mean, length = wanted[index] - rank * gap, 1
        while blocks and blocks[-1][0] >= mean:
            before, count = blocks.pop()
            mean = (before * count + mean * length) / (count + length)
            length += count
        blocks.append((mean, length))
    top = max(low, high - (len(wanted) - 1) * gap)
    bases = [min(max(mean, low), top) for mean, length in blocks for _ in range(length)]
    places = {index: bases[rank] + rank * gap for rank, index in enumerate(order)}
    return [places[index] for index in range(len(wanted))]


def steps(low: float, high: float, most: int) -> tuple[list[float], int]:
    """Round values from ``low`` to ``high``, at most so many and one, and the decimal places they
    need; steps are 1, 2 or 5 of a power of ten. Empty where the range is.
    """
    if not high > low:
        return [], 0
    rough = (high - low) / most
    power = floor(log10(rough))
    step = next(n * 10.0**power for n in (1, 2, 5, 10) if n * 10.0**power >= rough * 0.999999)
    places = max(0, -floor(log10(step * 1.000001)))
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)], places


def clamp(value: float, low: float, high: float) -> float:
    """The value, or the end it lies beyond."""
    return min(max(value, low), high)
