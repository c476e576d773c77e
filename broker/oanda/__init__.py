"""OANDA by its v20 REST interface: market data and orders, practice and live."""
