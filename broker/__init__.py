"""Where orders go and where market data comes from: one adapter per venue or feed."""
