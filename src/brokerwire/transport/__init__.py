"""Bytes in and out: the only layer of the client that speaks aiohttp."""
