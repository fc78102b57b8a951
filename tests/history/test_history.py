from brokerwire import history


def test_every_public_name_is_there_and_documented() -> None:
    assert list(history.__all__) == sorted(history.__all__)
    assert all(getattr(history, name).__doc__ for name in history.__all__)
