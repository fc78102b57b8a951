import asyncio

import aiohttp
import pytest
from aiohttp import web

from brokerwire.simulator.fronts.tradestation.abort import abort


async def test_aborted_request_is_reset() -> None:
    async def handler(request: web.Request) -> web.Response:
        abort(request)
        abort(request)
        return web.Response()

    app = web.Application()
    app.router.add_post("/", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientError):
            await asyncio.wait_for(session.post(f"http://127.0.0.1:{port}/"), 5)
    await runner.cleanup()
