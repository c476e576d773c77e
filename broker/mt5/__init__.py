"""MetaTrader 5 through the connector: its client here, the service itself in ``connector``."""
