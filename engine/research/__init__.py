"""Research over the past: the same loop over history, and what can be learned from it."""
