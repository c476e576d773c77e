"""Research: what is learnt from history, and how well it holds; over the flow, never inside it."""
