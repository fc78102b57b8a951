from decimal import Decimal

from brokerwire.simulator import listings


def test_every_security_has_a_positive_anchor_and_its_own_symbol() -> None:
    rows = [*listings.STOCKS, *listings.ETFS, *listings.INDICES]
    assert all(Decimal(row.anchor) > 0 for row in rows)
    assert len({row.symbol for row in rows}) == len(rows)


def test_future_anchors_are_whole_ticks() -> None:
    for row in listings.FUTURES.values():
        assert Decimal(row.anchor) % Decimal(row.tick) == 0, row.root
