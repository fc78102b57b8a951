"""The plugin as users have it: in a pytest of its own, with the modes that they may have chosen."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "test-with-the-simulator.md"

pytest_plugins = ["pytester"]

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

STREAMS = """
    async def test_quotes_come(offline_client, fault, offline_venue):
        assert offline_client.environment == "offline"
        quotes = await offline_client.market_data.stream_quotes("SYMBOL", lambda quote: None)
        await quotes.ready()
        fault.set("refuse:503")
        offline_venue.connections.drop()
        while quotes.state == "live":
            await asyncio.sleep(0.01)
        fault.clear()
        assert fault.names() == []
"""


def program(body: str, *, venue: str = "binance", decorator: str = "") -> str:
    symbol = "BTCUSDT" if venue == "binance" else "AAPL"
    marker = f'@pytest.mark.brokerwire(venue="{venue}", seed=7)'
    text = body.replace("SYMBOL", symbol).replace("    async def", f"    {marker}\n    {decorator}\n    async def")
    return f"    import asyncio\n    import pytest\n{text}"


@pytest.mark.parametrize("venue", ["binance", "tradestation"])
@pytest.mark.parametrize(
    ("options", "decorator"),
    [
        (("-o", "asyncio_mode=strict", "-p", "no:aiohttp"), "@pytest.mark.asyncio"),
        (("-o", "asyncio_mode=auto", "-p", "no:aiohttp"), ""),
        (("-o", "asyncio_mode=strict"), "@pytest.mark.asyncio"),
        (("-o", "asyncio_mode=auto"), ""),
    ],
    ids=["asyncio strict", "asyncio auto", "aiohttp strict", "aiohttp auto"],
)
def test_fixtures_work_in_every_mode(
    pytester: pytest.Pytester, venue: str, options: tuple[str, ...], decorator: str
) -> None:
    pytester.makepyfile(program(STREAMS, venue=venue, decorator=decorator))
    run(pytester, *options).assert_outcomes(passed=1)


def run(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    strict = ("--strict-markers", "-W", "error", "-o", "asyncio_default_fixture_loop_scope=function")
    return pytester.runpytest_subprocess(*strict, *options)


def run_auto(pytester: pytest.Pytester, body: str, *options: str) -> pytest.RunResult:
    pytester.makepyfile(f"    import asyncio\n    import pytest\n{body}")
    return run(pytester, "-o", "asyncio_mode=auto", *options)


def test_nothing_is_imported_before_a_fixture_is_asked_for(pytester: pytest.Pytester) -> None:
    body = """
    import sys

    def test_that_is_about_something_else():
        loaded = {name for name in sys.modules if name.startswith(("aiohttp", "brokerwire"))}
        assert loaded == {"brokerwire", "brokerwire.testing", "brokerwire.testing.pytest_plugin"}
    """
    run_auto(pytester, body, "-p", "no:aiohttp").assert_outcomes(passed=1)


def test_the_marker_chooses_everything_and_the_nearer_one_counts(pytester: pytest.Pytester) -> None:
    body = """
    pytestmark = pytest.mark.brokerwire(venue="binance", seed=3, faults=["mute"])

    @pytest.mark.brokerwire(seed=4, weather=["latency:1ms"], settings={"rate": 2}, client={"max_concurrent_streams": 2})
    async def test_it(offline_client, offline_venue, fault):
        assert (offline_venue.venue, offline_venue.seed, offline_venue.settings["rate"]) == ("binance", 4, 2)
        assert fault.names() == ["mute"]
        assert offline_venue.weather.find("latency").amount == 0.001
        assert offline_client.streams.max_concurrent_streams == 2
        await offline_client.market_data.get_quotes("BTCUSDT")
    """
    run_auto(pytester, body).assert_outcomes(passed=1)


@pytest.mark.parametrize("arguments", ['color="grey"', 'seed="x"', '"binance"', 'venue="narnia"'])
def test_a_wrong_marker_is_an_error_that_says_so(pytester: pytest.Pytester, arguments: str) -> None:
    body = f"""
    @pytest.mark.brokerwire({arguments})
    async def test_it(offline_client):
        pass
    """
    result = run_auto(pytester, body)
    result.assert_outcomes(errors=1)
    result.stdout.re_match_lines([r".*(the marker|no simulator for venue)"])


def test_a_failed_test_shows_its_seed_and_the_option_replays_it(pytester: pytest.Pytester) -> None:
    body = """
    async def test_it(offline_venue):
        assert offline_venue.seed == 0
    """
    result = run_auto(pytester, body, "--brokerwire-seed", "4711")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*tradestation with seed 4711*"])


def test_a_client_that_was_left_open_fails_its_test(pytester: pytest.Pytester) -> None:
    body = """
    async def test_it(offline_venue):
        from brokerwire import Client
        client = Client("tradestation", endpoints=offline_venue.endpoints, credentials=offline_venue.credentials)
        await client.market_data.stream_quotes("AAPL", print)
        keep.append(client)

    keep = []
    """
    result = run_auto(pytester, body, "-p", "no:unraisableexception", "-W", "default")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*a client was not closed; these tasks are left: brokerwire*"])


def test_tokens_are_kept_in_a_folder_of_the_test(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    body = """
    import os
    from pathlib import Path

    async def test_it(offline_client):
        await offline_client.market_data.get_quotes("AAPL")
        assert len(list(Path(os.environ["BROKERWIRE_TOKEN_DIR"]).glob("*.json"))) == 1
        assert not Path("elsewhere").exists()
    """
    monkeypatch.setenv("BROKERWIRE_TOKEN_DIR", "elsewhere")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    run_auto(pytester, body).assert_outcomes(passed=1)


def test_without_pytest_asyncio_a_fixture_says_what_it_needs(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("    def test_it(fault): pass")
    result = pytester.runpytest_subprocess("-p", "no:asyncio", "-p", "no:aiohttp")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*need pytest-asyncio*"])


def test_fixtures_and_marker_are_listed(pytester: pytest.Pytester) -> None:
    fixtures = pytester.runpytest_subprocess("--fixtures")
    fixtures.stdout.re_match_lines_random([r"offline_client\b", r"offline_venue\b", r"fault\b"])
    markers = pytester.runpytest_subprocess("--markers")
    markers.stdout.fnmatch_lines(["@pytest.mark.brokerwire(venue=*"])


def test_the_tests_on_the_page_pass(pytester: pytest.Pytester) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    tests = [block for block in blocks if "def test_" in block]
    assert tests
    pytester.makepyfile("\n".join(tests))
    outcomes = run(pytester, "-o", "asyncio_mode=auto").parseoutcomes()
    assert outcomes == {"passed": sum(block.count("def test_") for block in tests)}
