"""Text for and from a language model, as pure functions: prompts, and what may be shown."""
