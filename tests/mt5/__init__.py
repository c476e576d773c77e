"""A stand-in for the ``MetaTrader5`` package, over the same simulated terminal as the EA's tests."""
