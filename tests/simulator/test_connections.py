from brokerwire.simulator.connections import Connections


def test_dropping_cuts_the_streams_of_a_channel() -> None:
    connections, cut = Connections(), []
    connections.add("/quotes/AAPL", lambda: cut.append("quotes"))
    remove = connections.add("/orders", lambda: cut.append("orders"))
    assert connections.drop("quotes") == 1
    assert cut == ["quotes"]
    remove()
    remove()
    assert connections.names() == ["/quotes/AAPL"]
    assert len(connections) == 1
