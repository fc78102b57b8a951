from brokerwire import Client, TradeStationClient


async def test_it_is_a_client_of_tradestation() -> None:
    async with TradeStationClient(environment="offline") as client:
        assert isinstance(client, Client)
        assert (client.venue, client.environment) == ("tradestation", "offline")
        assert [quote.symbol for quote in await client.market_data.get_quotes("AAPL")] == ["AAPL"]
