"""The public APIs of other ways to do this, thin over ``Client``."""
