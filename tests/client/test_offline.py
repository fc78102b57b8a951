import aiohttp
import pytest

from brokerwire.client.offline import OfflineVenue
from brokerwire.clock import SystemClock


async def test_it_serves_until_it_is_closed() -> None:
    offline = OfflineVenue("binance", SystemClock())
    endpoints, credentials = await offline.start()
    assert set(endpoints) >= {"rest", "stream"}
    assert set(credentials) == {"api_key", "api_secret"}
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{endpoints['rest']}/api/v3/ping") as answer:
            assert answer.status == 200
        await offline.close()
        await offline.close()
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(f"{endpoints['rest']}/api/v3/ping")


async def test_one_that_never_started_closes() -> None:
    await OfflineVenue("tradestation", SystemClock()).close()
