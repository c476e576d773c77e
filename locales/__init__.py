"""Catalogues of everything a person reads, one folder per language."""
