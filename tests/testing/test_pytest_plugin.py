"""The plugin as users have it: in a pytest of its own, with the modes that they may have chosen."""

import asyncio
import os
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "test-with-the-simulator.md"

pytest_plugins = ["pytester"]

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

STRICT = ("--strict-markers", "-W", "error", "-o", "asyncio_default_fixture_loop_scope=function")
STREAMS = """
    import asyncio
    import pytest

    @pytest.mark.parametrize("symbol", [
        pytest.param("BTCUSDT", marks=pytest.mark.brokerwire(venue="binance", seed=7)),
        pytest.param("AAPL", marks=pytest.mark.brokerwire(venue="tradestation", seed=7)),
    ])
    DECORATOR
    async def test_quotes_come(offline_client, fault, offline_venue, symbol):
        assert offline_client.environment == "offline"
        quotes = await offline_client.market_data.stream_quotes(symbol, lambda quote: None)
        await quotes.ready()
        fault.set("refuse:503")
        offline_venue.connections.drop()
        while quotes.state == "live":
            await asyncio.sleep(0)
        fault.clear()
        assert fault.names() == []
"""
TOGETHER = """
import asyncio
import os
from pathlib import Path

import pytest


class TestMarker:
    pytestmark = pytest.mark.brokerwire(venue="binance", seed=3, faults=["mute"])

    @pytest.mark.brokerwire(seed=4, weather=["latency:1ms"], settings={"rate": 2}, client={"max_concurrent_streams": 2})
    async def test_nearer(self, offline_client, offline_venue, fault):
        assert (offline_venue.venue, offline_venue.seed, offline_venue.settings["rate"]) == ("binance", 4, 2)
        assert fault.names() == ["mute"]
        assert offline_venue.weather.find("latency").amount == 0.001
        assert offline_client.streams.max_concurrent_streams == 2
        await offline_client.market_data.get_quotes("BTCUSDT")


@pytest.mark.brokerwire(color="grey")
async def test_wrong_word(offline_client): pass

@pytest.mark.brokerwire(seed="x")
async def test_wrong_seed(offline_client): pass

@pytest.mark.brokerwire("binance")
async def test_wrong_form(offline_client): pass

@pytest.mark.brokerwire(venue="narnia")
async def test_wrong_venue(offline_client): pass


async def test_that_fails(offline_venue):
    assert offline_venue.seed == 0


async def test_tokens(offline_client):
    await offline_client.market_data.get_quotes("AAPL")
    assert len(list(Path(os.environ["BROKERWIRE_TOKEN_DIR"]).glob("*.json"))) == 1
    assert not Path("elsewhere").exists()
"""


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
def test_fixtures_work_in_every_mode(pytester: pytest.Pytester, options: tuple[str, ...], decorator: str) -> None:
    pytester.makepyfile(STREAMS.replace("DECORATOR", decorator))
    pytester.runpytest_subprocess(*STRICT, *options).assert_outcomes(passed=2)


class Together:
    """What one run of many tests came to: a test's outcome by its name, and the text that it failed with."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.outcomes: dict[str, str] = {}
        self.texts: dict[str, str] = {}
        self.shown = ""

    async def run(self) -> None:
        """Run the tests of this file and of the page with one seed, in an environment that must not matter."""
        (self._folder / "test_together.py").write_text(TOGETHER)
        (self._folder / "test_page.py").write_text("\n".join(blocks_of_the_page()))
        variables = {**os.environ, "BROKERWIRE_TOKEN_DIR": "elsewhere", "HTTP_PROXY": "http://127.0.0.1:1"}
        options = (*STRICT, "-o", "asyncio_mode=auto", "--brokerwire-seed", "4711", "--junitxml", "report.xml")
        words = (sys.executable, "-m", "pytest", *options)
        process = await asyncio.create_subprocess_exec(
            *words, cwd=self._folder, env=variables, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        said, _ = await asyncio.wait_for(process.communicate(), 100)
        self.shown = said.decode()
        assert process.returncode == 1, self.shown  # as many tests fail as are meant to
        for case in ElementTree.parse(self._folder / "report.xml").iter("testcase"):  # noqa: S314  # written just now
            failed = [part for part in case if part.tag in {"failure", "error"}]
            name = f"{case.get('classname')}.{case.get('name')}"
            self.outcomes[name] = failed[0].tag if failed else "passed"
            self.texts[name] = "".join(text for part in case for text in part.itertext())


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Together:
    """Starting a pytest takes longer than any of these tests, so that they share one."""
    together = Together(tmp_path_factory.mktemp("together"))
    asyncio.run(together.run())
    return together


def blocks_of_the_page() -> list[str]:
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return [block for block in blocks if "def test_" in block]


def test_the_marker_chooses_everything_and_the_nearer_one_counts(together: Together) -> None:
    assert together.outcomes["test_together.TestMarker.test_nearer"] == "passed"


@pytest.mark.parametrize("name", ["word", "seed", "form", "venue"])
def test_a_wrong_marker_is_an_error_that_says_so(together: Together, name: str) -> None:
    assert together.outcomes[f"test_together.test_wrong_{name}"] == "error"
    text = together.texts[f"test_together.test_wrong_{name}"]
    assert ("no simulator for venue" if name == "venue" else "the marker") in text


def test_a_failed_test_shows_its_seed_and_the_option_replays_it(together: Together) -> None:
    assert together.outcomes["test_together.test_that_fails"] == "failure"
    assert "tradestation with seed 4711" in together.shown.partition("_ test_that_fails _")[2]


def test_tokens_are_kept_in_a_folder_of_the_test(together: Together) -> None:
    assert together.outcomes["test_together.test_tokens"] == "passed"


def test_the_tests_on_the_page_pass(together: Together) -> None:
    outcomes = [outcome for name, outcome in together.outcomes.items() if name.startswith("test_page.")]
    assert outcomes == ["passed"] * sum(block.count("def test_") for block in blocks_of_the_page())
    assert outcomes


def test_nothing_is_imported_before_a_fixture_is_asked_for(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
    import sys

    def test_that_is_about_something_else(pytestconfig):
        loaded = {name for name in sys.modules if name.startswith(("aiohttp", "brokerwire"))}
        assert loaded == {"brokerwire", "brokerwire.testing", "brokerwire.testing.pytest_plugin"}
        assert any(line.startswith("brokerwire(venue=") for line in pytestconfig.getini("markers"))
    """)
    options = ("-o", "asyncio_mode=auto", "-p", "no:aiohttp")
    pytester.runpytest_subprocess(*STRICT, *options).assert_outcomes(passed=1)


def test_a_client_that_was_left_open_fails_its_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
    async def test_it(offline_venue):
        from brokerwire import Client
        client = Client("tradestation", endpoints=offline_venue.endpoints, credentials=offline_venue.credentials)
        await client.market_data.stream_quotes("AAPL", print)
        keep.append(client)

    keep = []
    """)
    options = ("-o", "asyncio_mode=auto", "-p", "no:unraisableexception", "-W", "default")
    result = pytester.runpytest_subprocess(*STRICT, *options)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*a client was not closed; these tasks are left: brokerwire*"])


def test_without_pytest_asyncio_a_fixture_says_what_it_needs(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("    def test_it(fault): pass")
    result = pytester.runpytest_subprocess("-p", "no:asyncio", "-p", "no:aiohttp")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*need pytest-asyncio*"])


def test_fixtures_are_listed(pytester: pytest.Pytester) -> None:
    fixtures = pytester.runpytest_subprocess("--fixtures")
    fixtures.stdout.re_match_lines_random([r"offline_client\b", r"offline_venue\b", r"fault\b"])
