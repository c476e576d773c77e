"""The use cases: one callable class per verb."""
