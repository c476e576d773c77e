"""PostgreSQL and Redis: one adapter per port, and the servers themselves when none is given."""
