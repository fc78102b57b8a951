import asyncio
import json
import os
import sys
from decimal import Decimal
from typing import Any

import pytest

from brokerwire.simulator import Simulator
from brokerwire.simulator.trading import OrderTicket, TicketLeg

from .test_auth import LOGIN


def test_a_market_order_is_placed(cli: Any) -> None:
    shown = cli("orders", "place", "buy", "3", "AAPL", "-e", "offline", "--json")
    assert shown.code == 0
    order = json.loads(shown.lines[0])
    assert (order["type"], order["side"], order["symbol"], order["quantity"]) == ("order", "buy", "AAPL", "3")
    assert order["order_id"]


@pytest.mark.parametrize(
    ("prices", "kind"),
    [
        ((), "market"),
        (("--limit", "1.50"), "limit"),
        (("--stop", "999"), "stop"),
        (("--limit", "999", "--stop", "998"), "stop_limit"),
    ],
)
def test_the_prices_say_what_kind_of_order_it_is(cli: Any, prices: tuple[str, ...], kind: str) -> None:
    shown = cli("orders", "place", "buy", "1", "AAPL", *prices, "-e", "offline", "--time-in-force", "gtc")
    assert shown.code == 0
    assert json.loads(shown.lines[0])["order_type"] == kind


def test_orders_are_listed(cli: Any) -> None:
    shown = cli("orders", "list", "-e", "offline", "--json")
    assert shown.code == 0
    assert all(json.loads(line)["type"] == "order" for line in shown.lines)


def test_an_unknown_order_cannot_be_cancelled(cli: Any) -> None:
    shown = cli("orders", "cancel", "123456789", "-e", "offline")
    assert shown.code == 1
    assert len(shown.err.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [("place", "hold", "1", "AAPL"), ("place", "buy", "1"), ("cancel",), ("place",)],
)
def test_wrong_usage_exits_with_2(cli: Any, arguments: tuple[str, ...]) -> None:
    assert cli("orders", *arguments, "-e", "offline").code == 2


@pytest.mark.process
async def test_an_open_order_is_cancelled(tmp_path: Any) -> None:
    async with Simulator("tradestation", seed=7) as simulator:
        leg = TicketLeg(symbol="AMD", side="buy", quantity=Decimal(1))
        account_id = next(name for name, account in simulator.exchange.accounts.items() if account.kind == "margin")
        order = simulator.exchange.place(
            OrderTicket(account_id=account_id, legs=(leg,), type="limit", limit_price=Decimal(1))
        )
        addresses = (simulator.endpoints["rest"], simulator.endpoints["auth"])
        credentials = {f"TRADESTATION_{name.upper()}": value for name, value in simulator.credentials.items()}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", LOGIN, *addresses, "orders", "cancel", str(order.order_id), "--json",
            stdout=asyncio.subprocess.PIPE, cwd=tmp_path, env={**os.environ, **credentials},
        )  # fmt: skip
        async with asyncio.timeout(25):
            out, _ = await process.communicate()
    assert process.returncode == 0
    assert json.loads(out)["order_id"] == str(order.order_id)
