from brokerwire.errors import AuthenticationError, ConnectionLostError, RateLimitError, StreamError
from brokerwire.streaming.supervisor import REDIALS, Supervisor


def highest(_low: float, high: float) -> float:
    return high


def lost() -> ConnectionLostError:
    return ConnectionLostError("gone")


def test_failures_in_a_row_wait_longer_and_longer() -> None:
    supervisor = Supervisor(highest)
    assert [supervisor.decide(lost(), 0.0).delay_s for _ in range(4)] == [1, 2, 4, 8]


def test_a_connection_that_did_not_last_does_not_reset_the_backoff() -> None:
    supervisor = Supervisor(highest)
    supervisor.decide(lost(), 0.0)
    supervisor.connected(10.0)
    assert supervisor.decide(lost(), 39.0).delay_s == 2


def test_a_stable_connection_resets_the_backoff() -> None:
    supervisor = Supervisor(highest)
    supervisor.decide(lost(), 0.0)
    supervisor.connected(10.0)
    assert supervisor.decide(lost(), 41.0).delay_s == 1


def test_an_error_that_says_stop_ends_the_stream() -> None:
    assert Supervisor(highest).decide(StreamError("no"), 0.0).stops


def test_a_refused_token_is_renewed_once_and_then_given_up() -> None:
    supervisor = Supervisor(highest)
    refused = AuthenticationError("401", action="refresh")
    first = supervisor.decide(refused, 0.0)
    assert (first.needs_token, first.delay_s, first.stops) == (True, 0.0, False)
    assert supervisor.decide(refused, 1.0).stops


def test_a_token_may_be_refused_again_after_a_stable_connection() -> None:
    supervisor = Supervisor(highest)
    refused = AuthenticationError("401", action="refresh")
    supervisor.decide(refused, 0.0)
    supervisor.connected(1.0)
    assert supervisor.decide(refused, 100.0).needs_token


def test_a_stated_hold_time_is_kept() -> None:
    assert Supervisor(highest).decide(RateLimitError("wait", retry_after_s=41.0), 0.0).delay_s == 42.0


def test_a_limit_without_a_hold_time_takes_the_slow_lane() -> None:
    supervisor = Supervisor(highest)
    assert [supervisor.decide(RateLimitError("full"), 0.0).delay_s for _ in range(3)] == [5, 10, 20]


def test_at_most_twenty_redials_in_five_minutes() -> None:
    supervisor = Supervisor(lambda low, high: 0.0)
    now = 0.0
    times = []
    for _ in range(REDIALS * 3):
        now += supervisor.decide(lost(), now).delay_s
        times.append(now)
    for index in range(REDIALS, len(times)):
        assert times[index] - times[index - REDIALS] >= 300.0


def test_a_hand_over_spreads_over_a_second_and_is_no_failure() -> None:
    supervisor = Supervisor(highest)
    assert supervisor.hand_over(0.0).delay_s == 1.0
    assert supervisor.decide(lost(), 0.0).delay_s == 1.0
