import pytest

from brokerwire.simulator.faults import KNOWN_FAULTS, Faults


def test_unknown_fault_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"unknown fault 'mutee'; known are .*mute"):
        Faults(["mutee"])


@pytest.mark.parametrize("script", sorted(KNOWN_FAULTS))
def test_every_known_fault_can_be_set_and_cleared(script: str) -> None:
    faults = Faults([script])
    assert faults
    assert faults.active(script) is not None
    faults.clear(script)
    assert not faults


def test_argument_follows_the_colon() -> None:
    faults = Faults(["close:1008", "token_down:garbage"])
    close, down = faults.active("close"), faults.active("token_down")
    assert close is not None
    assert down is not None
    assert (close.number(0), down.argument) == (1008, "garbage")


@pytest.mark.parametrize(("script", "options"), [("close:soon", {}), ("mute", {"times": "x"}), ("mute", {"after": []})])
def test_wrong_argument_or_option_is_a_value_error(script: str, options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=script.partition(":")[0]):
        Faults().set(script, **options)


def test_fault_for_a_channel_leaves_others_alone() -> None:
    faults = Faults()
    faults.set("mute", channel="quotes")
    assert faults.active("mute", channel="/stream/quotes/AAPL") is not None
    assert faults.active("mute", channel="/stream/orders") is None


def test_fault_strikes_after_so_many_and_so_often() -> None:
    faults = Faults()
    faults.set("gap", after=2, times=2)
    assert [faults.take("gap", seen=n) is not None for n in range(6)] == [False, False, True, True, False, False]
    assert faults.names() == []


def test_probability_is_drawn_from_the_seed() -> None:
    def pattern(seed: int) -> list[bool]:
        faults = Faults(seed=seed)
        faults.set("gap", probability=0.5)
        return [faults.take("gap") is not None for _ in range(50)]

    assert pattern(1) == pattern(1)
    assert pattern(1) != pattern(2)


def test_listener_hears_of_changes_until_it_leaves() -> None:
    faults, heard = Faults(), []
    leave = faults.listen(lambda: heard.append(faults.epoch))
    faults.set("mute")
    faults.clear()
    leave()
    faults.set("mute", anything="else")
    assert heard == [1, 2]
    fault = faults.active("mute")
    assert fault is not None
    assert fault.options == {"anything": "else"}
    assert 0 <= faults.draw() < 1
