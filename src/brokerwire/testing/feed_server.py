"""A raw-socket server that speaks just enough Binance to push trades as fast as a socket takes them.

It runs as a process of its own (``python -m brokerwire.testing.feed_server``), so that what is measured on the
other side is the client alone. It prints its port as its first line.
"""

import base64
import hashlib
import re
import socket
import struct
import sys

SYMBOL = "BTCUSDT"
BLOCK_MESSAGES = 2_000
_CLOSE = 8
_WEBSOCKET_KEY = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def trade_message(index: int) -> bytes:
    """Return one combined-stream trade, about 175 bytes, as the venue writes it."""
    price = 91_250 + index % 997 / 100
    return (
        b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1767225600125,"s":"BTCUSDT","t":%d,"p":"%.8f",'
        b'"q":"0.0%d0000","T":%d,"m":%s,"M":true}}'
        % (
            9_200_000 + index,
            price,
            1_000 + index % 9_000,
            1_767_225_600_000 + index,
            b"false" if index % 2 else b"true",
        )
    )


def websocket_frame(message: bytes) -> bytes:
    """Return an unmasked text frame, as a server sends it."""
    if len(message) < 126:
        return b"\x81" + bytes([len(message)]) + message
    return b"\x81\x7e" + struct.pack("!H", len(message)) + message


def _handshake(request: bytes) -> bytes:
    key = re.search(rb"(?im)^sec-websocket-key:\s*(\S+)", request)
    accept = base64.b64encode(hashlib.sha1(key[1] + _WEBSOCKET_KEY).digest()) if key else b""  # noqa: S324  # RFC 6455
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


def _answer(body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    return head + body


def _read_client_frame(connection: socket.socket) -> bytes:
    head = connection.recv(2, socket.MSG_WAITALL)
    if len(head) < 2:
        return b""
    length = head[1] & 0x7F
    if length == 126:
        length = struct.unpack("!H", connection.recv(2, socket.MSG_WAITALL))[0]
    mask = connection.recv(4, socket.MSG_WAITALL)
    data = connection.recv(length, socket.MSG_WAITALL) if length else b""
    return bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))


def _push(connection: socket.socket, messages: int) -> None:
    """Acknowledge the subscription if one comes at once, send everything, and stay open until told to close."""
    connection.settimeout(0.5)
    try:
        wanted = re.search(rb'"id":(\d+)', _read_client_frame(connection))
    except TimeoutError:
        wanted = None
    connection.settimeout(None)
    if wanted:
        connection.sendall(websocket_frame(b'{"result":null,"id":%s}' % wanted[1]))
    block = b"".join(websocket_frame(trade_message(index)) for index in range(BLOCK_MESSAGES))
    for _ in range(messages // BLOCK_MESSAGES):
        connection.sendall(block)
    while data := connection.recv(65_536):
        if data[0] & 0x0F == _CLOSE:  # without an answer the other side would wait for one
            connection.sendall(b"\x88\x00")
            return


def _serve_one(connection: socket.socket, messages: int) -> None:
    """Answer requests on one connection until it becomes a WebSocket or ends."""
    pending = b""
    while True:
        while b"\r\n\r\n" not in pending:
            part = connection.recv(65_536)
            if not part:
                return
            pending += part
        request, _, pending = pending.partition(b"\r\n\r\n")
        if b"upgrade: websocket" in request.lower():
            connection.sendall(_handshake(request))
            _push(connection, messages)
            return
        connection.sendall(_answer(b'{"symbols":[{"symbol":"%s","status":"TRADING"}]}' % SYMBOL.encode()))


def serve(messages: int) -> None:
    """Serve connections one after the other until the process is ended."""
    import threading  # a process of its own

    with socket.create_server(("127.0.0.1", 0)) as listener:
        sys.stdout.write(f"{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=_serve_quietly, args=(connection, messages), daemon=True).start()


def _serve_quietly(connection: socket.socket, messages: int) -> None:
    with connection:
        try:
            _serve_one(connection, messages)
        except OSError:
            return


if __name__ == "__main__":
    serve(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
