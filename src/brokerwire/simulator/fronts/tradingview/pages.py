"""The pages of the ``www`` host that clients read: home and chart with the user in them, symbols, and the sign-in."""

import html
from typing import Any

import msgspec
from aiohttp import web

from brokerwire.clock import Clock
from brokerwire.simulator.faults import Fault, Faults
from brokerwire.simulator.fronts.tradingview.doorway import http_error
from brokerwire.simulator.fronts.tradingview.settings import Settings
from brokerwire.simulator.fronts.tradingview.side_door import SideDoor, answer
from brokerwire.simulator.fronts.tradingview.symbols import SymbolTable
from brokerwire.simulator.fronts.tradingview.tokens import CREDENTIALS, TokenDesk

_STRANGER = {"id": 99, "username": "somebody_else", "reputation": 12}
_HEAD = '<!DOCTYPE html><html lang="en"><head><title>{title}</title></head><body>'
_CODE = "123456"
_SLOW_S = 60.0
_RUBBISH = '<script>var user = {"id":4711,"username":"simul'


class Pages:
    """Handlers of the pages."""

    def __init__(
        self, symbols: SymbolTable, tokens: TokenDesk, settings: Settings, *, faults: Faults, clock: Clock
    ) -> None:
        self._faults = faults
        self._clock = clock
        self._symbols = symbols
        self._tokens = tokens
        self._settings = settings

    def add_routes(self, app: web.Application, door: SideDoor) -> None:
        """Serve the pages from ``app``."""
        app.router.add_get("/", door.guard(self._home))
        app.router.add_get("/chart/", door.guard(self._home))
        app.router.add_get("/disclaimer/", door.guard(self._home))
        app.router.add_get("/symbols/{name}", door.guard(self._symbol))
        app.router.add_get("/symbols/{name}/", door.guard(self._symbol))
        app.router.add_post("/accounts/signin/", door.guard(self._sign_in))
        app.router.add_post("/accounts/two-factor/signin/totp/", door.guard(self._second_factor))

    async def _home(self, request: web.Request) -> web.Response:
        if fault := self._faults.take("token_down", channel=request.path):
            if fault.argument != "slow":
                return self._fail(fault)
            await self._clock.sleep(float(fault.options.get("seconds", _SLOW_S)))
        knows = self._tokens.knows(request.cookies)
        user = msgspec.json.encode(self._tokens.profile() if knows else {}).decode()
        feed = msgspec.json.encode({"idea": {"user": _STRANGER}}).decode()
        script = f"<script>window.is_authenticated = {str(knows).lower()}; var user = {user};</script>"
        # Readers that take the first match of a field must meet the owner before anybody else.
        text = f"{_HEAD.format(title='Simulated charts')}{script}<script>var feed = {feed};</script></body></html>"
        return web.Response(text=text, content_type="text/html")

    @staticmethod
    def _fail(fault: Fault) -> web.Response:
        """Answer as a page that gives no token: an error, rubbish or a captcha."""
        if fault.argument.isdigit():
            raise http_error(int(fault.argument))
        title = "Captcha Challenge" if fault.argument == "error_body" else "Simulated charts"
        text = f"{_HEAD.format(title=title)}{_RUBBISH if fault.argument == 'garbage' else ''}</body></html>"
        return web.Response(text=text, content_type="text/html")

    async def _symbol(self, request: web.Request) -> web.Response:
        name = request.match_info["name"].upper()
        found = self._symbols.find(name if ":" in name else name.replace("-", ":", 1))
        if found is None:
            raise web.HTTPNotFound
        text = f"{_HEAD.format(title=found.name)}{html.escape(found.description)}</body></html>"
        return web.Response(text=text, content_type="text/html")

    async def _sign_in(self, request: web.Request) -> web.Response:
        form = await request.post()
        if not form.get("username") or not form.get("password"):
            return answer({"error": "Invalid username or password", "code": "invalid_credentials"})
        if not request.headers.get("Referer", "").startswith(("https://www.tradingview.com", "http://127.0.0.1")):
            raise web.HTTPForbidden
        if self._settings.sign_in == "captcha":
            return answer({"error": "Please confirm that you are not a robot", "code": "recaptcha_required"})
        if not self._tokens.knows({"sessionid": "asked"}):
            return answer({"error": "Invalid username or password", "code": "invalid_credentials"})
        if self._settings.sign_in == "two_factor":
            return self._with_cookies({"error": "2FA_required", "code": "2FA_required", "two_factor_types": ["totp"]})
        return self._with_cookies({"error": "", "user": self._tokens.profile()})

    async def _second_factor(self, request: web.Request) -> web.Response:
        form = await request.post()
        if not self._tokens.knows(request.cookies) or form.get("code") != _CODE:
            return answer({"error": "Invalid code", "code": "invalid_code"}, status=400)
        return self._with_cookies({"error": "", "user": self._tokens.profile()})

    @staticmethod
    def _with_cookies(body: dict[str, Any]) -> web.Response:
        found = answer(body)
        for name in ("sessionid", "sessionid_sign"):
            found.set_cookie(name, CREDENTIALS[name], httponly=True)
        found.set_cookie("device_t", "simdevice0001", httponly=True)
        return found
