"""kill -9 at named and at random instants, and the books checked afterwards."""
