"""A raw-socket server that speaks just enough of three venues to push messages as fast as a socket takes them.

It runs as a process of its own (``python -m brokerwire.testing.feed_server``), so that what is measured on the
other side is the client alone. It prints its port as its first line. ``GET /_feed/<messages>`` says how many messages
whoever connects next is sent.
"""

import base64
import hashlib
import re
import socket
import struct
import sys
import threading
from collections.abc import Sequence

SYMBOL = "BTCUSDT"
STOCK = "AMD"
COIN = "BINANCE:BTCUSDT"
CHART_PATH = "/socket.io/websocket"
BLOCK_MESSAGES = 2_000
LAST_ID = 9_999_999_999
"""The id of the last trade, for clients that hand over several at once; those before it count up to it."""
_ID_DIGITS = 10
_BAR_S = 1_767_225_600
_CLOSE = 8
_QUIET_S = 0.1
_WEBSOCKET_KEY = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_SYMBOL_JSON = (
    b'{"symbol":"%s","status":"TRADING","baseAsset":"BTC","quoteAsset":"USDT","isSpotTradingAllowed":true,'
    b'"permissions":[],"permissionSets":[["SPOT"]],"orderTypes":["LIMIT","MARKET"],"filters":[{"filterType":'
    b'"PRICE_FILTER","minPrice":"0.01000000","maxPrice":"1000000.00000000","tickSize":"0.01000000"}]}'
) % SYMBOL.encode()
_ANSWERS = {
    "exchangeInfo": b'{"timezone":"UTC","rateLimits":[],"exchangeFilters":[],"symbols":[%s]}' % _SYMBOL_JSON,
    "oauth/token": b'{"access_token":"sim","expires_in":1200,"token_type":"Bearer","scope":"MarketData"}',
    "marketdata/symbols": b'{"Symbols":[{"Symbol":"%s","AssetType":"STOCK"}],"Errors":[]}' % STOCK.encode(),
}
"""What is answered to a request whose path holds the name; ``{}`` to any other."""


def trade_message(index: int) -> bytes:
    """Return one trade, about 145 bytes, as the venue writes it."""
    price = 91_250 + index % 997 / 100
    return b'{"e":"trade","E":1767225600125,"s":"BTCUSDT","t":%d,"p":"%.8f","q":"0.0%d0000","T":%d,"m":%s,"M":true}' % (
        1_009_200_000 + index,
        price,
        1_000 + index % 9_000,
        1_767_225_600_000 + index,
        b"false" if index % 2 else b"true",
    )


def aggregate(trade: bytes) -> bytes:
    """Return a trade as an aggregate trade, which has the first and the last id besides."""
    return trade.replace(b'"trade"', b'"aggTrade"').replace(b'"t":', b'"f":9200000,"l":9200000,"a":')


def combined(message: bytes) -> bytes:
    """Return a message as it comes on a connection for several streams."""
    stream = b"btcusdt@aggTrade" if b'"aggTrade"' in message else b"btcusdt@trade"
    return b'{"stream":"%s","data":%s}' % (stream, message)


def quote_line(index: int) -> bytes:
    """Return one change of a quote, about 175 bytes, as TradeStation writes it."""
    price = 161.31 + index % 97 / 100
    return (
        b'{"Symbol":"%s","Last":"%.2f","Ask":"%.2f","NetChange":"2.56","Volume":"%d","Close":"%.2f",'
        b'"TradeTime":"2026-09-30T14:05:16Z","LastSize":"500","LastVenue":"NSDQ"}\n'
        % (STOCK.encode(), price, price + 0.01, 18_844_710 + index, price)
    )


def packet(payload: bytes) -> bytes:
    """Return a payload with its length in front, as TradingView frames it."""
    return b"~m~%d~m~%s" % (len(payload), payload)


def chart_quote(index: int, session: bytes = b"qs_000000000001", key: bytes = COIN.encode()) -> bytes:
    """Return one change of a quote, about 175 bytes, as TradingView writes it; ``key`` is what the client called it."""
    price = 91_250 + index % 997 / 100
    values = b'"lp":%.2f,"lp_time":%d,"ch":%.2f,"chp":1.43,"volume":%d.25' % (
        price,
        1_767_225_600 + index // 10,
        price - 90_000,
        48_210 + index,
    )
    return packet(b'{"m":"qsd","p":["%s",{"n":"%s","s":"ok","v":{%s}}]}' % (session, key, values))


def chart_bar(index: int, session: bytes = b"cs_000000000001") -> bytes:
    """Return one change of the forming bar, about 175 bytes, as TradingView writes it."""
    close = 91_250 + index % 997 / 100
    values = b"%d.0,91250.0,91260.0,91240.0,%.2f,%d.5" % (_BAR_S, close, 1_000 + index)
    return packet(
        b'{"m":"du","p":["%s",{"sds_1":{"s":[{"i":1,"v":[%s]}],"ns":{"d":"","indexes":"nochange"},'
        b'"t":"s1","lbs":{"bar_close_time":4102444800}}}]}' % (session, values)
    )


def _first_quote(session: bytes, key: bytes) -> bytes:
    return chart_quote(0, session, key) + packet(b'{"m":"quote_completed","p":["%s","%s"]}' % (session, key))


def _first_bars(session: bytes) -> bytes:
    page = chart_bar(0, session).partition(b"{")[2].replace(b'"du"', b'"timescale_update"')
    end = b'{"m":"series_completed","p":["%s","sds_1","streaming","s1",{"rt_update_period":0,"data_completed":"end"}]}'
    return packet(b"{" + page) + packet(end % session)


def websocket_frame(message: bytes) -> bytes:
    """Return an unmasked text frame, as a server sends it."""
    if len(message) < 126:
        return b"\x81" + bytes([len(message)]) + message
    return b"\x81\x7e" + struct.pack("!H", len(message)) + message


def chunk(piece: bytes) -> bytes:
    """Return a piece of a body sent in chunks."""
    return b"%x\r\n%s\r\n" % (len(piece), piece)


def _handshake(request: bytes) -> bytes:
    key = re.search(rb"(?im)^sec-websocket-key:\s*(\S+)", request)
    accept = base64.b64encode(hashlib.sha1(key[1] + _WEBSOCKET_KEY).digest()) if key else b""  # noqa: S324  # RFC 6455
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


def _answer(path: str) -> bytes:
    body = next((answer for name, answer in _ANSWERS.items() if name in path), b"{}")
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


def _stay(connection: socket.socket, frame: bytes) -> None:
    """Stay open until told to close; a message now and then wakes clients that look for their end only then."""
    connection.settimeout(_QUIET_S)
    while True:
        try:
            data = connection.recv(65_536)
        except TimeoutError:
            connection.sendall(frame)
            continue
        if not data or data[0] & 0x0F == _CLOSE:  # without an answer the other side would wait for one
            connection.sendall(b"\x88\x00")
            return


class NumberedBlock:
    """Frames of trades that are sent again and again, each time with the ids that follow."""

    def __init__(self, frames: Sequence[bytes]) -> None:
        self._bytes = bytearray(b"".join(frames))
        self._last_size = len(frames[-1])
        ids = re.finditer(rb'"[ta]":(\d{%d})' % _ID_DIGITS, self._bytes)
        self._places = [slice(found.start(1), found.end(1)) for found in ids]

    def numbered_from(self, first_id: int) -> bytes:
        """Return the frames with consecutive ids from ``first_id`` on."""
        for trade_id, place in enumerate(self._places, first_id):
            self._bytes[place] = b"%d" % trade_id
        return bytes(self._bytes)

    @property
    def last_frame(self) -> bytes:
        """The last frame as it was numbered last."""
        return bytes(self._bytes[-self._last_size :])


class FeedServer:
    """Serves connections, each in a thread, until the process is ended."""

    def __init__(self, messages: int) -> None:
        self._messages = messages

    def serve(self, listener: socket.socket) -> None:
        """Accept connections for ever."""
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve_quietly, args=(connection,), daemon=True).start()

    def _serve_quietly(self, connection: socket.socket) -> None:
        with connection:
            try:
                self._serve_one(connection)
            except OSError:
                return

    def _serve_one(self, connection: socket.socket) -> None:
        """Answer requests on one connection until it becomes a stream or ends."""
        pending = b""
        while True:
            while b"\r\n\r\n" not in pending:
                part = connection.recv(65_536)
                if not part:
                    return
                pending += part
            request, _, pending = pending.partition(b"\r\n\r\n")
            length = re.search(rb"(?im)^content-length:\s*(\d+)", request)
            while length and len(pending) < int(length[1]):
                pending += connection.recv(65_536)
            pending = pending[int(length[1]) :] if length else pending
            if self._is_streamed(connection, request):
                return

    def _is_streamed(self, connection: socket.socket, request: bytes) -> bool:
        path = request.split(b" ", 2)[1].decode()
        if wanted := re.match(r"/_feed/(\d+)", path):
            self._messages = int(wanted[1])
        if b"upgrade: websocket" in request.lower():
            connection.sendall(_handshake(request))
            push = self._push_charts if path.startswith(CHART_PATH) else self._push_trades
            push(connection, path.replace("%40", "@"))
        elif "/stream/" in path:
            self._push_quotes(connection)
        else:
            connection.sendall(_answer(path))
            return False
        return True

    def _push_trades(self, connection: socket.socket, path: str) -> None:
        """Send everything; on ``/ws`` without an envelope, on paths that name no stream after the subscription."""
        names = path
        if "@" not in path:
            names = _read_client_frame(connection).decode()
            number = re.search(r'"id":\s*("?[\w-]+"?)', names)
            connection.sendall(websocket_frame(b'{"result":null,"id":%s}' % (number[1] if number else "1").encode()))
        messages = [trade_message(index) for index in range(BLOCK_MESSAGES)]
        if "aggTrade" in names:
            messages = [aggregate(message) for message in messages]
        if not path.startswith("/ws"):
            messages = [combined(message) for message in messages]
        block = NumberedBlock([websocket_frame(message) for message in messages])
        first_ids = range(LAST_ID + 1 - self._messages, LAST_ID, BLOCK_MESSAGES)
        for piece in [block.numbered_from(first_id) for first_id in first_ids]:  # all of them are ready before any goes
            connection.sendall(piece)
        _stay(connection, block.last_frame)

    def _push_quotes(self, connection: socket.socket) -> None:
        """Send everything, a chunk for each line, and stay open until the other side ends it."""
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.tradestation.streams.v2+json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        self._send(connection, [chunk(quote_line(index)) for index in range(BLOCK_MESSAGES + 1)])
        while connection.recv(65_536):
            pass

    def _push_charts(self, connection: socket.socket, path: str) -> None:
        """Send changes of a quote or of a bar, whichever is asked for first, unless the path says which it is to be."""
        connection.sendall(websocket_frame(packet(b'{"session_id":"feed","protocol":"json"}')))
        methods = {"quotes": "quote_add_symbols", "bars": "create_series"}
        method = next((methods[name] for name in methods if name in path), "quote_add_symbols|create_series")
        asked = re.compile(rb'"m":"(%s)","p":\["(\w+)","((?:[^"\\]|\\.)*)"' % method.encode())
        while not (found := asked.search(_read_client_frame(connection))):
            continue
        _, session, key = found.groups()
        is_quote = found[1] == b"quote_add_symbols"
        first = _first_quote(session, key) if is_quote else _first_bars(session)
        connection.sendall(websocket_frame(first))
        indexes = range(1, BLOCK_MESSAGES + 2)
        messages = [chart_quote(index, session, key) if is_quote else chart_bar(index, session) for index in indexes]
        frames = [websocket_frame(message) for message in messages]
        self._send(connection, frames)
        _stay(connection, frames[-1])

    def _send(self, connection: socket.socket, frames: list[bytes]) -> None:
        """Send whole blocks of all frames but the last one, which ends the last block."""
        block = b"".join(frames[:-1])
        for _ in range(self._messages // BLOCK_MESSAGES - 1):
            connection.sendall(block)
        connection.sendall(b"".join([*frames[: BLOCK_MESSAGES - 1], frames[-1]]))


def serve(messages: int) -> None:
    """Serve until the process is ended."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sys.stdout.write(f"{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        FeedServer(messages).serve(listener)


if __name__ == "__main__":
    serve(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
