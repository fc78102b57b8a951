"""Binance authorisation: market data needs none; signed requests carry the key and an HMAC of the query.

Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/request-security, read 2026-11-20.
"""

import hashlib
import hmac

import msgspec

from brokerwire.venue import Access, Request, encode_query


def sign(payload: str, secret: str) -> str:
    """Return the HMAC-SHA256 of ``payload`` as lower-case hexadecimal."""
    return hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


def authorize(request: Request, access: Access) -> Request:
    """Add the key's header and, to signed requests, the time and the signature, last."""
    key = access.credentials.get("api_key")
    secret = access.credentials.get("api_secret")
    if request.authorization != "signature" or key is None or secret is None:
        return request
    query = (*request.query, ("timestamp", str(access.time_ns // 1_000_000)))
    payload = encode_query(query) + (request.body or b"").decode()
    signed = (*query, ("signature", sign(payload, secret.reveal())))
    return msgspec.structs.replace(request, query=signed, headers={**request.headers, "X-MBX-APIKEY": key.reveal()})
