"""The order-safety core under Hypothesis: the real use cases on a store in memory."""
