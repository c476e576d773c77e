"""What ai-trader decides and why: domain, pure logic and use cases; no adapter is known here."""
