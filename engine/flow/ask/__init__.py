"""Questions about the record: read by a closed grammar, answered by bounded look-ups."""
