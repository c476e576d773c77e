"""OANDA's stand-in by its public documents, and the adapter against it."""

ACCOUNT = "101-004-1435156-001"
#: No real one.
TOKEN = "e" * 32 + "-" + "0" * 32
