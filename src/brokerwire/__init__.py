"""Subscribe to brokers and exchanges for months at a time."""

__version__ = "0.1.0"
