"""A stand-in for the ``MetaTrader5`` package, over the simulated terminal of the EA's tests."""
