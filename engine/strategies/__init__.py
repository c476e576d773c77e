"""Strategies: rule documents and what their words mean."""
