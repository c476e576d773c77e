"""Every check of the gate, by what it looks at: one small pure function each.

Guards are written ``passed = value <= limit`` on finite decimals, and a missing input never passes.
"""

from engine.gate.checks import account, control, exposure, feed, guardrails, idea, market

__all__ = ["account", "control", "exposure", "feed", "guardrails", "idea", "market"]
