"""Recorded data; ORIGIN.md says where it comes from."""
