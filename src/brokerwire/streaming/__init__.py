"""Streams that outlive their connections, and the subscriptions that they feed."""
