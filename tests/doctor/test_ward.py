from pathlib import Path

from brokerwire.doctor.examination import examine
from brokerwire.doctor.finding import Finding, Row, Scenario, Verdict
from brokerwire.doctor.ward import Ward

QUIET = Finding("nothing was done", ())


def judged(scenario: Scenario, venue: str = "binance") -> Verdict:
    return examine(Row(id="F00", title="A try", scenario=scenario), venue)


def test_a_network_that_never_heals_is_told_as_not_converged() -> None:
    async def breaks(ward: Ward) -> Finding:
        simulator = await ward.simulator()
        weather = await ward.weather(simulator)
        listener = await ward.listen(ward.client(simulator, weather=weather), "quotes", ward.symbol)
        await listener.more(5)
        await weather.close()
        return QUIET

    (broken,) = judged(breaks).broken
    assert broken.startswith("I5: waited 75 s in vain")


def test_faults_and_weather_are_cleared_before_the_check() -> None:
    async def leaves_it_broken(ward: Ward) -> Finding:
        simulator = await ward.simulator()
        weather = await ward.weather(simulator)
        listener = await ward.listen(ward.client(simulator, weather=weather), "quotes", ward.symbol)
        await listener.more(5)
        simulator.faults.set("close")
        weather.set("black_hole")
        await ward.sleep(20)
        return QUIET

    assert judged(leaves_it_broken).holds


def test_clients_that_are_dismissed_are_checked_then_and_there() -> None:
    async def comes_and_goes(ward: Ward) -> Finding:
        simulator = await ward.simulator()
        for _ in range(3):
            client = ward.client(simulator)
            listener = await ward.listen(client, "quotes", ward.symbol)
            await listener.more(5)
            listener.events.append(listener.events[0])
            assert await ward.dismiss(client) <= 5
        return QUIET

    broken = judged(comes_and_goes).broken
    assert sum(text.startswith("I1") for text in broken) == 3
    assert sum(text.startswith("I2") for text in broken) == 3


def test_a_limit_of_the_venue_that_is_broken_is_told() -> None:
    async def rude(ward: Ward) -> Finding:
        simulator = await ward.simulator()
        simulator.journal.record("violation", limit="messages")
        for _ in range(40):
            simulator.journal.record("dial")
        return QUIET

    broken = judged(rude).broken
    assert broken[0] == "I9: 40 dials within 5 s"
    assert broken[-1] == "I9: 1 limits of the venue were broken: [{'limit': 'messages'}]"


def test_dials_that_the_row_makes_itself_are_allowed() -> None:
    async def busy(ward: Ward) -> Finding:
        simulator = await ward.simulator()
        ward.allow_dials(40)
        for _ in range(40):
            simulator.journal.record("dial")
        return QUIET

    assert judged(busy).holds


def test_a_ward_never_asks_for_the_users_credentials() -> None:
    async def looks(ward: Ward) -> Finding:
        simulator = await ward.simulator()
        client = ward.client(simulator)
        await client.market_data.get_quotes(ward.symbol)
        assert client.environment == "offline"
        assert client.tokens is not None
        return QUIET

    verdict = judged(looks, "tradestation")
    assert verdict.holds, verdict.text
    assert "canary" not in verdict.text


def test_nothing_of_the_tests_is_imported() -> None:
    folder = Path(examine.__code__.co_filename).parent
    assert not any(
        "tests" in line for path in folder.glob("*.py") for line in path.read_text().splitlines() if "import" in line
    )
