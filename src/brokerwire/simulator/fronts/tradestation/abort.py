"""Cutting a connection off: with a reset, so that the client sees neither an end nor a rest of data."""

import socket
import struct

from aiohttp import web


def abort(request: web.Request) -> None:
    """Reset the connection of a request; a zero linger makes the kernel send RST instead of FIN."""
    transport = request.transport
    if transport is None:
        return
    linger = struct.pack("ii", 1, 0)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    transport.abort()
