import pytest

PATH = "/symbol_search/v3/"


async def search(venue, **query):
    status, body = await venue.get(PATH, params={"text": "", "hl": "0", "lang": "en", "domain": "production"} | query)
    assert status == 200
    return body


async def test_the_exact_name_comes_first(venue):
    body = await search(venue, text="AAPL")
    first = body["symbols"][0]
    assert (first["symbol"], first["exchange"], first["type"]) == ("AAPL", "NASDAQ", "stock")
    assert (await search(venue, text="NASDAQ:AAPL"))["symbols"][0]["symbol"] == "AAPL"


async def test_descriptions_are_searched_too(venue):
    assert any(each["symbol"] == "MSFT" for each in (await search(venue, text="microsoft"))["symbols"])


@pytest.mark.parametrize(
    ("kind", "type_"),
    [("stocks", "stock"), ("futures", "futures"), ("forex", "forex"), ("crypto", "spot"), ("index", "index")],
)
async def test_one_kind_can_be_asked_for(venue, kind, type_):
    symbols = (await search(venue, search_type=kind))["symbols"]
    assert {each["type"] for each in symbols} == {type_}


async def test_pages_hold_fifty_and_say_how_many_remain(venue):
    first = await search(venue, search_type="crypto", exchange="BINANCE")
    second = await search(venue, search_type="crypto", exchange="BINANCE", start="50")
    assert len(first["symbols"]) == len(second["symbols"]) == 50
    assert first["symbols_remaining"] - second["symbols_remaining"] == 50
    names = [each["symbol"] for each in first["symbols"] + second["symbols"]]
    assert len(set(names)) == 100


async def test_matches_are_marked_when_asked_for(venue):
    assert (await search(venue, text="AAPL", hl="1"))["symbols"][0]["symbol"] == "<em>AAPL</em>"


async def test_what_is_found_can_be_charted(venue):
    for each in (await search(venue, text="ES", search_type="futures"))["symbols"][:5]:
        full = f"{each.get('prefix') or each['exchange']}:{each['symbol']}"
        assert (await venue.get(f"/symbols/{full}"))[0] == 200


async def test_the_first_version_is_a_bare_list(venue):
    _, body = await venue.get("/symbol_search", params={"text": "TSLA", "type": "stock"})
    assert [each["symbol"] for each in body] == ["TSLA"]


async def test_nothing_is_found_when_there_is_nothing(venue):
    assert await search(venue, text="NOSUCHTHING") == {"symbols_remaining": 0, "symbols": []}
