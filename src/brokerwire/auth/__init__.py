"""The current token of a client and where it is kept."""
