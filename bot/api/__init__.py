"""What machines and scripts ask over HTTP."""
