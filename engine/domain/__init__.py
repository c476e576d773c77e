"""The words of the product: frozen values and state machines; standard library only."""
