"""The tests; ``make test`` runs them with nothing installed by hand."""
