import asyncio

import pytest

JUNK = "eyJhbGciOiJSUzUxMiJ9.eyJub3RoaW5nIjoxfQ.c2ln"


async def test_the_hello_comes_first_and_says_who_serves(venue):
    async with venue.dial() as dial:
        hello = await dial.next()
    assert {"session_id", "timestamp", "timestampMs", "release", "studies_metadata_hash", "via"} <= hello.keys()
    assert (hello["protocol"], hello["auth_scheme_vsn"], "m" in hello) == ("json", 2, False)
    assert len(hello["studies_metadata_hash"]) == 40


async def test_a_good_token_is_taken_silently(venue):
    async with venue.dial() as dial:
        await dial.send("set_locale", "en", "US")
        await dial.send("set_data_quality", "low")
        await dial.next()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(dial.next(), 5)


@pytest.mark.parametrize("token", ["garbage", JUNK])
async def test_a_bad_token_ends_the_connection(venue, token):
    async with venue.dial(token=token) as dial:
        packets = await dial.end()
        assert packets[-1] == {"m": "protocol_error", "p": ["bad auth token"]}
        assert dial.socket.close_code == 1000


@pytest.mark.parametrize("mode", ["refuse", "heartbeats"])
async def test_an_expired_token_is_refused_or_gets_heartbeats_only(new_venue, mode):
    async with new_venue(settings={"expired_tokens": mode}) as venue:
        token = venue.simulator.credentials["auth_token"]
        venue.simulator.faults.set("expire_token")
        async with venue.dial(token=token) as dial:
            await dial.send("quote_create_session", "qs_a")
            await dial.send("quote_add_symbols", "qs_a", "NASDAQ:AAPL")
            if mode == "refuse":
                assert (await dial.end())[-1]["p"] == ["bad auth token"]
                return
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(dial.one("qsd"), 30)
            assert len(dial.beats) >= 2


async def test_a_token_that_expires_silences_the_socket_until_it_is_renewed(new_venue):
    async with new_venue(settings={"token_life_s": 60.0}) as venue, venue.dial() as dial:
        await dial.chart(bars=5)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(dial.end(), 100)
        assert venue.simulator.journal.count("token_expired") == 1
        assert all("~h~" in text for text in dial.texts[-3:])
        await dial.send("set_auth_token", venue.simulator.credentials["auth_token"])
        await dial.one("du")


async def test_the_fault_silences_those_who_are_there(venue):
    async with venue.dial() as dial:
        await dial.chart(bars=5)
        venue.simulator.faults.set("expire_token")
        await venue.simulator.journal.wait_for("token_expired")
    async with venue.dial(token="unauthorized_user_token") as dial:
        await dial.chart(bars=5)


async def test_the_journal_holds_no_token(venue):
    async with venue.dial() as dial:
        await dial.send("set_auth_token", "unauthorized_user_token")
        await dial.chart(bars=5)
    entries = venue.simulator.journal.entries("control", method="set_auth_token")
    assert [entry.detail["params"] for entry in entries] == [["<token>"], ["unauthorized_user_token"]]
    assert venue.simulator.journal.count("subscribe", method="create_series") == 1


@pytest.mark.parametrize("text", ["hello", '~m~99~m~{"m":"x"}', "~m~2~m~[]", "~m~3~m~{x}", '~m~9~m~{"m":"x"}'])
async def test_what_is_no_packet_ends_the_connection(venue, text):
    async with venue.dial() as dial:
        await dial.socket.send_str(text)
        assert (await dial.end())[-1] == {"m": "protocol_error", "p": ["wrong data"]}


async def test_an_unknown_session_ends_the_connection(venue):
    async with venue.dial() as dial:
        await dial.send("create_series", "cs_x", "sds_1", "s1", "sym_1", "5", 100, "")
        text = (await dial.end())[-1]["p"][0]
        assert text.startswith('{unknown_session_id,<<"create_series">>,<<"cs_x">>,[')


async def test_an_unknown_method_is_told_or_ignored(new_venue):
    async with new_venue() as venue, venue.dial() as dial:
        await dial.send("make_coffee", "cs_a")
        assert await dial.one("critical_error") == ["cs_a", "invalid method", "make_coffee"]
    async with new_venue(settings={"unknown_methods": "ignore"}) as venue, venue.dial() as dial:
        await dial.send("make_coffee", "cs_a")
        await dial.chart(bars=5)


async def test_a_call_with_too_few_parameters_breaks_its_session(venue):
    async with venue.dial() as dial:
        await dial.send("chart_create_session", "cs_a", "")
        await dial.send("create_series", "cs_a", "sds_1")
        assert (await dial.one("critical_error"))[1] == "invalid parameters"


@pytest.mark.parametrize("params", [[], [5], [["x"]]])
async def test_quotes_of_nothing_are_invalid(venue, params):
    async with venue.dial() as dial:
        await dial.send("quote_create_session", "qs_a")
        await dial.send("quote_add_symbols", "qs_a", *params)
        assert await dial.one("critical_error") == ["qs_a", "invalid_parameters", "quote_add_symbols"]


async def test_old_clients_send_flags_behind_their_symbols(venue):
    async with venue.dial() as dial:
        await dial.send("quote_create_session", "qs_a", "")
        await dial.send("quote_add_symbols", "qs_a", "NASDAQ:AAPL", {"flags": ["force_permission"]})
        assert await dial.one("quote_completed") == ["qs_a", "NASDAQ:AAPL"]


async def test_symbols_that_are_not_fast_are_told_once_a_second(venue):
    async with venue.dial() as dial:
        await dial.send("quote_create_session", "qs_a")
        await dial.send("quote_set_fields", "qs_a", "lp", "lp_time")
        await dial.send("quote_add_symbols", "qs_a", "NASDAQ:AAPL")
        await dial.send("quote_fast_symbols", "qs_a", "NASDAQ:AAPL")
        await dial.send("quote_hibernate_all", "qs_a")
        await dial.until("quote_completed")
        loop = asyncio.get_running_loop()
        started = loop.time()
        for _ in range(10):
            await dial.one("qsd")
        assert 9 <= loop.time() - started <= 20


async def test_the_hello_may_be_missing(new_venue):
    async with new_venue(settings={"hello": "none"}) as venue, venue.dial() as dial:
        assert (await dial.chart(bars=5))[0]["m"] == "series_loading"


async def test_sessions_can_be_deleted_and_made_again(venue):
    async with venue.dial() as dial:
        await dial.chart(bars=5)
        await dial.send("chart_delete_session", "cs_a")
        await dial.chart(bars=5)
        await dial.send("quote_create_session", "qs_a")
        await dial.send("quote_add_symbols", "qs_a", "NASDAQ:AAPL", "NYSE:F")
        await dial.send("quote_list_fields", "qs_a")
        assert "lp" in (await dial.one("quote_list_fields"))[1]
        await dial.send("quote_remove_symbols", "qs_a", "NYSE:F")
        await dial.send("quote_create_session", "qs_a")
        await dial.send("quote_delete_session", "qs_a")
        await dial.send("chart_delete_session", "cs_a")
        await dial.send("request_data_problems")
        await dial.one("request_data_problems")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(dial.next(), 5)


async def test_calls_that_nothing_answers_are_taken(venue):
    async with venue.dial() as dial:
        await dial.chart(bars=5)
        await dial.send("set_broker", "paper")
        await dial.send("switch_protocol", "json")
        await dial.send("set_future_tickmarks_mode", "cs_a", "off")
        await dial.send("create_pointset", "cs_a", "ps", "t", "sym_1", "1", [])
        await dial.send("quote_create_session", "qs_a")
        await dial.send("quote_switch_timezone", "qs_a", "Etc/UTC")
        await dial.send("request_studies_metadata", "cs_a", "any")
        session, body = await dial.one("studies_metadata")
        assert session == "cs_a"
        assert "RSI" in {each["id"] for each in body["metainfo"]}


async def test_one_address_has_so_many_connections(new_venue):
    async with new_venue(settings={"max_connections": 1}) as venue, venue.dial() as first:
        await first.next()
        async with venue.dial() as second:
            assert (await second.end())[-1]["p"] == ["user connections limit reached"]
        await first.chart(bars=5)


async def test_refused_credentials_end_the_connection(venue):
    venue.simulator.faults.set("reject_auth")
    async with venue.dial() as dial:
        assert (await dial.end())[-1]["p"] == ["bad auth token"]


async def test_hundreds_of_symbols_do_not_hold_the_loop_up(venue):
    names = [f"BINANCE:{each.symbol}" for each in venue.simulator.exchange.market.universe.all("crypto")][:100]
    turns = 0

    async def turn():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with venue.dial() as dial:
        await dial.send("quote_create_session", "qs_a")
        await dial.send("quote_add_symbols", "qs_a", *names)
        await dial.send("quote_remove_symbols", "qs_a", *names[1:])
        await dial.send("quote_fast_symbols", "qs_a", names[0])
        task = asyncio.create_task(turn())
        packets = await dial.until("quote_completed", lambda p: p[1] == names[-1])
        task.cancel()
        assert turns >= 100
        assert [packet["p"][1] for packet in packets if packet.get("m") == "quote_completed"] == names
        await dial.send("quote_list_fields", "qs_a")
        await dial.until("quote_list_fields")
        assert {(await dial.next())["p"][1]["n"] for _ in range(10)} == {names[0]}


async def test_nothing_is_left_when_clients_and_simulator_are_gone(new_venue):
    before = asyncio.all_tasks()
    async with new_venue() as venue:
        async with venue.dial() as dial:
            await dial.chart(bars=5)
            await dial.send("chart_delete_session", "cs_a")
            await dial.chart(bars=20_000)
        async with venue.dial() as dial:
            await dial.send("quote_create_session", "qs_a")
            await dial.send("quote_add_symbols", "qs_a", "NASDAQ:AAPL")
            await dial.until("quote_completed")
        await venue.simulator.journal.wait_for("stream_close", count=2)
        assert venue.simulator.connections.names() == []
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
