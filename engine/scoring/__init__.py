"""The deterministic confidence of an idea."""
