"""Binance spot: market data and orders over the exchange's REST interface."""
