"""The provider of the language model, as adapters: its API, and its authorization server."""
