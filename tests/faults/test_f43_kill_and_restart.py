"""F43: ``kill -9`` at any instruction, and a restart: the durable consumer misses no order event and has none twice."""

import asyncio
import sys
from collections import defaultdict
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.faults.conftest import IS_FULL, Row, trials
from tests.faults.waiting import until

from brokerwire.simulator import Simulator

PROGRAM = Path(__file__).with_name("durable_consumer.py")
LONGEST_START_S = 1.2
LONGEST_LIFE_S = 1.0


class Service:
    """The process under fire, and what it has put on disk."""

    def __init__(self, row: Row, simulator: Simulator, folder: Path) -> None:
        self.row = row
        self.simulator = simulator
        self.log = folder / "heard.jsonl"
        self.complaints = folder / "stderr.txt"
        self.settings = {
            "endpoints": dict(simulator.endpoints),
            "credentials": dict(simulator.credentials),
            "journal": str(folder / "orders.db"),
            "log": str(self.log),
        }
        self.process: asyncio.subprocess.Process | None = None
        self._found: list[dict[str, Any]] = []
        self._read_to = 0

    async def start(self, *, places: bool) -> None:
        settings = {**self.settings, "places": places, "seed": self.row.random.random()}
        with self.complaints.open("ab") as complaints:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                str(PROGRAM),
                msgspec.json.encode(settings).decode(),
                stdout=asyncio.subprocess.DEVNULL,
                stderr=complaints,
            )

    async def live(self) -> None:
        """Let the process live for a moment: from its start, or from when it hears orders."""
        if self.row.random.random() < 0.3:
            await self.row.sleep(self.row.random.uniform(0.0, LONGEST_START_S))
            return
        known = len(self.lines("ready"))
        await self.ready(known)
        await self.row.sleep(self.row.random.uniform(0.0, LONGEST_LIFE_S))

    async def ready(self, known: int) -> None:
        """Wait until it hears orders; a process that ends by itself is a failure."""
        assert self.process is not None
        process = self.process
        await until(lambda: len(self.lines("ready")) > known or process.returncode is not None, 30)
        assert process.returncode is None, self.complaints.read_text()[-2000:]

    async def kill(self) -> None:
        if self.process is not None:
            with suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()

    async def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return await asyncio.wait_for(self.process.wait(), 20)

    def lines(self, what: str) -> list[dict[str, Any]]:
        if self.log.exists():
            with self.log.open("rb") as file:
                file.seek(self._read_to)
                whole, _, _ = file.read().rpartition(b"\n")
            self._read_to += len(whole) + 1 if whole else 0
            self._found += [msgspec.json.decode(line) for line in whole.split(b"\n") if line.endswith(b"}")]
        return [line for line in self._found if line["what"] == what]

    def events(self) -> list[dict[str, Any]]:
        """Return what a consumer keeps that knows an event by its content: each once."""
        heard = [line["event"] for line in self.lines("event")]
        return list({msgspec.json.encode(event): event for event in heard}.values())


async def trade(row: Row, simulator: Simulator) -> None:
    """Fill and cancel whatever is open, all the time."""
    while True:
        await row.sleep(row.random.uniform(0.0, 0.03))
        open_orders = simulator.exchange.open_orders()
        if not open_orders:
            continue
        order = row.random.choice(open_orders)
        if row.random.random() < 0.15:
            if not order.is_cancel_pending:
                simulator.exchange.cancel(order.order_id)
        elif (order.ticket.client_order_id or "").count("-") == 1:
            simulator.exchange.fill(
                order.order_id, Decimal(row.random.randint(1, 9)), Decimal(row.random.randint(1, 9))
            )


def ours(service: Service) -> dict[str, Any]:
    """Return the venue's orders that the service placed, by our id."""
    intended = {line["id"] for line in service.lines("intend")}
    orders = service.simulator.exchange.orders.values()
    mine = {order.ticket.client_order_id: order for order in orders if order.ticket.client_order_id in intended}
    return {str(name): order for name, order in mine.items()}


def gaps_of(service: Service) -> list[str]:
    """Return what the consumer lacks, as text."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    newest: dict[str, dict[str, Any]] = {}
    for event in service.events():
        if event["type"] == "fill":
            sums[event["order_id"]] += Decimal(event["quantity"])
        else:
            newest[event["order_id"] or event["client_order_id"]] = event
    lacking = []
    for name, order in ours(service).items():
        update = newest.get(str(order.order_id))
        if update is None:
            lacking.append(f"{name}: order {order.order_id} is not known")
        elif sums[str(order.order_id)] != order.filled or Decimal(update["filled_quantity"]) != order.filled:
            lacking.append(f"{name}: {sums[str(order.order_id)]} of {order.filled}, {update['status']}")
        elif (update["status"] in {"filled", "cancelled"}) != (not order.is_open):
            lacking.append(f"{name}: {update['status']}, but {order.status}")
    return lacking


def check_consumer(service: Service) -> None:
    fills = [(event["account"], event["fill_id"]) for event in service.events() if event["type"] == "fill"]
    assert len(set(fills)) == len(fills), "I3: an execution was told twice, differently"
    progress: dict[str, Decimal] = defaultdict(Decimal)
    ended: set[str] = set()
    for event in service.events():
        if event["type"] == "order" and event["order_id"]:
            filled = Decimal(event["filled_quantity"] or 0)
            assert filled >= progress[event["order_id"]], f"{event['order_id']} went backwards"
            progress[event["order_id"]] = filled
            is_ended = event["status"] in {"filled", "cancelled", "rejected", "expired"}
            assert is_ended or event["order_id"] not in ended, f"{event['order_id']} left its end"
            ended |= {event["order_id"]} if is_ended else set()
    clients = [order.ticket.client_order_id for order in service.simulator.exchange.orders.values()]
    named = [name for name in clients if name]
    assert len(set(named)) == len(named), "an order was doubled"


async def be_killed(service: Service, kills: int) -> None:
    for _ in range(kills):
        await service.start(places=True)
        await service.live()
        await service.kill()


async def settle(service: Service, kills: int) -> None:
    """Wait until the service has heard everything; what was in doubt takes 30 s."""
    known = len(service.lines("ready"))
    try:
        await service.ready(known)
        await until(lambda: gaps_of(service) == [], 60, step_s=0.5)
    except TimeoutError:
        pytest.fail(f"after {kills} kills: {gaps_of(service)[:10]}")


def report(service: Service, kills: int) -> None:
    heard, kept = len(service.lines("event")), len(service.events())
    fills = sum(event["type"] == "fill" for event in service.events())
    assert fills >= kills
    assert heard - kept <= 20 * kills, f"{heard} events heard for {kept}"
    orders = len(ours(service))
    print(f"{kills} kills, {orders} orders, {kept} events, {fills} fills, {heard - kept} told again")  # noqa: T201  # figures


if IS_FULL:  # it starts processes

    @pytest.mark.process
    @pytest.mark.timeout(3600)
    def test_no_order_event_is_lost_or_doubled_over_kills(row: Row, tmp_path: Path) -> None:
        async def main(row: Row) -> None:
            simulator = await row.simulator("tradestation", settings={"limit_scale": 1000.0})
            service = Service(row, simulator, tmp_path)
            trading = asyncio.create_task(trade(row, simulator))
            kills = trials(2, full=10, contract=500)
            try:
                await be_killed(service, kills)
                trading.cancel()
                await service.start(places=False)
                await settle(service, kills)
                assert await service.stop() == 0
            finally:
                trading.cancel()
                (outcome,) = await asyncio.gather(trading, return_exceptions=True)
                await service.kill()
            assert isinstance(outcome, asyncio.CancelledError), outcome
            assert gaps_of(service) == []
            check_consumer(service)
            report(service, kills)

        row.extra_dials = 2 * trials(2, full=10, contract=500)  # each life of the process dials anew
        row.in_real_time(main)
