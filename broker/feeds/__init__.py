"""Where market data, calendar and news come from."""
