"""The setups in Python that come with the product. A new one is a file here and a line below."""

from engine.strategies.registry import SETUPS, Found, ask
from engine.strategies.setups import forest, mean_reversion

__all__ = ["SETUPS", "Found", "ask", "forest", "mean_reversion"]
