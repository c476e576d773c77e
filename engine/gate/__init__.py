"""Every check an idea must pass, its limits, its size and the verdict."""
