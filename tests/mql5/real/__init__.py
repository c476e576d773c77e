"""The shipped Expert Advisor against the real endpoint and PostgreSQL, under random faults.

The endpoint is a process of its own, a proxy on loopback spoils the line, and the database's clock
is the simulated terminal's, so that leases and patience of minutes pass in milliseconds.
"""
