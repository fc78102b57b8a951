"""The name service of a test: what ``localhost`` resolves to, and how badly."""

import socket
import time
from typing import Any, Literal

Trouble = Literal["", "nxdomain", "servfail", "slow"]
_ERRORS = {
    "nxdomain": socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
    "servfail": socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"),
}


class Names:
    """Takes the place of ``socket.getaddrinfo``, which is what asks the system's resolver.

    Attributes:
        trouble: What is wrong just now.
        address: What the name stands for.
        slow_s: How long a slow answer takes, in real seconds: it blocks the thread that asks.
        asked: How often a name was looked up.
    """

    def __init__(self) -> None:
        self.trouble: Trouble = ""
        self.address = "127.0.0.1"
        self.slow_s = 1.0
        self.asked = 0

    def __call__(self, host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        assert host == "localhost"
        self.asked += 1
        if self.trouble in _ERRORS:
            raise _ERRORS[self.trouble]
        if self.trouble == "slow":
            time.sleep(self.slow_s)
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (self.address, port))]
