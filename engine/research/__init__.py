"""What may change how the product trades: advice, candidates of a model, walk-forward search."""
