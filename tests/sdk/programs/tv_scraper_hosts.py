"""Leads the host names that tv-scraper knows to a simulator."""

from typing import Any
from urllib.parse import urlsplit

import requests
import tv_scraper.streaming.base_streamer as streams


def use(endpoints: dict[str, str]) -> None:
    """Lead the package's host names to the simulator: nothing else is changed."""
    streams._DEFAULT_WS_URL = f"{endpoints['stream']}/socket.io/websocket?from=chart%2F&type=chart"
    hosts = {
        "www.tradingview.com": endpoints["site"],
        "scanner.tradingview.com": endpoints["site"],
        "pine-facade.tradingview.com": endpoints["site"],
        "symbol-search.tradingview.com": endpoints["site"],
    }
    send = requests.Session.request

    def redirected(self: requests.Session, method: str, url: str, **options: Any) -> requests.Response:
        parts = urlsplit(url)
        place = hosts[str(parts.hostname)]
        return send(self, method, url.replace(f"https://{parts.hostname}", place, 1), **options)

    requests.Session.request = redirected  # type: ignore[assignment,method-assign]
