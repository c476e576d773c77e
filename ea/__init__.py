"""The MetaTrader 5 side: the endpoint an Expert Advisor polls."""
