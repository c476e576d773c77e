"""What every way to a MetaTrader terminal shares: volumes, trades out of deals, specifications."""
