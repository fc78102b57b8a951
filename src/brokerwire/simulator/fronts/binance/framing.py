"""Server-side WebSocket frames as bytes, made once per event and shared among connections (RFC 6455 §5.2)."""

TEXT = 0x81
CLOSE = 0x88
PING = 0x89
PONG = 0x8A


def frame(opcode: int, payload: bytes) -> bytes:
    """Return one final, unmasked frame."""
    length = len(payload)
    if length < 126:
        return bytes((opcode, length)) + payload
    if length < 65_536:
        return bytes((opcode, 126)) + length.to_bytes(2, "big") + payload
    return bytes((opcode, 127)) + length.to_bytes(8, "big") + payload


def text_frame(payload: bytes) -> bytes:
    """Return one text frame."""
    return frame(TEXT, payload)


def payload_of(wire: bytes) -> bytes:
    """Return the payload of a frame made here."""
    return wire[{126: 4, 127: 10}.get(wire[1], 2) :]


def combined(stream: str, data: bytes) -> bytes:
    """Wrap an event for a connection that asked for combined payloads."""
    return b'{"stream":"' + stream.encode() + b'","data":' + data + b"}"
