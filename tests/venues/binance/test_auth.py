from urllib.parse import parse_qsl

from brokerwire.config import Credentials, Secret
from brokerwire.venue import Access, Request
from brokerwire.venues.binance.auth import authorize, sign

SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
PAYLOAD = (
    "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
)
"""The worked example of the venue's documentation on request security."""


def access(**credentials: str) -> Access:
    return Access(credentials=Credentials(credentials), token=None, time_ns=1_499_827_319_559_000_000)


def test_the_documented_example_has_the_documented_signature() -> None:
    assert sign(PAYLOAD, SECRET) == "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"


def test_a_signed_request_carries_key_time_and_signature_last() -> None:
    query = tuple(parse_qsl(PAYLOAD.rpartition("&")[0]))
    request = Request(path="/api/v3/order", query=query, authorization="signature")
    signed = authorize(request, access(api_key="the-key", api_secret=SECRET))
    assert signed.headers == {"X-MBX-APIKEY": "the-key"}
    assert signed.query[:-2] == query
    assert dict(signed.query)["timestamp"] == "1499827319559"
    assert signed.query[-1] == ("signature", sign(PAYLOAD, SECRET))


def test_market_data_goes_without_key_and_a_missing_secret_signs_nothing() -> None:
    plain = Request(path="/api/v3/time")
    assert authorize(plain, access(api_key="k", api_secret="s")) is plain
    asked = Request(path="/api/v3/account", authorization="signature")
    assert authorize(asked, access(api_key="k")) is asked
    assert Secret("s")
