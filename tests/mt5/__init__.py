"""A stand-in for the ``MetaTrader5`` package, over the simulated terminal of the EA's tests."""

#: What every call of a test's connector carries, and the package its worker imports.
TOKEN = "0123456789abcdef0123456789abcdef-token"
MODULE = "tests.mt5.package"
