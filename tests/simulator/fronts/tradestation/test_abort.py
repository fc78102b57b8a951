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


async def test_request_whose_client_has_gone_is_left_alone() -> None:
    gone = asyncio.Event()

    async def handler(request: web.Request) -> web.Response:
        try:
            await asyncio.Event().wait()
        finally:
            abort(request)
            gone.set()
        return web.Response()

    app = web.Application()
    app.router.add_get("/", handler)
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    _, writer = await asyncio.open_connection("127.0.0.1", runner.addresses[0][1])
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await writer.drain()
    await asyncio.sleep(0.1)
    writer.transport.abort()
    await asyncio.wait_for(gone.wait(), 5)
    await runner.cleanup()
