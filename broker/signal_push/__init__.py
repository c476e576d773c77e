"""Somebody's EA server that takes model signals: ``POST /signals`` of source 003."""
