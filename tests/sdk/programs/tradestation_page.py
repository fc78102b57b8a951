"""The left-hand lines of the page for those who come from tradestation-api-python, run with that package."""

import ast
import asyncio
import json
import re
import types
from pathlib import Path
from typing import Any

from report import attempt, report, told
from tradestation.client.tradestation_client import TradeStationClient
from tradestation.ts_types.order_execution import OrderReplaceRequest, OrderRequest, TimeInForce
from tradestation.utils.token_manager import TokenManager

PAGE = Path(__file__).parents[3] / "docs" / "coming-from" / "tradestation-api-python.md"
_ROW = re.compile(r"^\| `([^|`]+)` \| `[^|`]+` \|$", re.MULTILINE)


async def run(line: str, namespace: dict[str, Any]) -> dict[str, str]:
    """Run one line, in which ``await`` is allowed."""
    code = compile(line, "<page>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    result = types.FunctionType(code, namespace)()
    if result is not None:
        await result
    return {"line": line}


async def main() -> None:
    """Run every line in the order of the page."""
    endpoints, credentials = told()
    TokenManager._TOKEN_URL = f"{endpoints['auth']}/oauth/token"
    client = TradeStationClient(dict(credentials), environment="Simulation")
    client.http_client.base_url = endpoints["rest"]
    namespace: dict[str, Any] = {
        "client": client,
        "market": client.market_data,
        "execution": client.order_execution,
        "brokerage": client.brokerage,
        "json": json,
        "OrderRequest": OrderRequest,
        "OrderReplaceRequest": OrderReplaceRequest,
        "TimeInForce": TimeInForce,
    }
    lines = _ROW.findall(PAGE.read_text())
    for number, line in enumerate(lines, start=1):
        await attempt(f"{number}: {line}", run(line, namespace), tell=dict)
    report("end", lines=len(lines))


asyncio.run(main())
