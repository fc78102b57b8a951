import subprocess
import sys

import pytest

from brokerwire import export


def test_every_public_name_is_there_and_documented() -> None:
    assert list(export.__all__) == sorted(export.__all__, key=lambda name: (not name.isupper(), name.islower(), name))
    functions = [getattr(export, name) for name in export.__all__ if name.islower()]
    assert all(each.__doc__ for each in functions)


@pytest.mark.process
def test_importing_it_loads_neither_polars_nor_pyarrow() -> None:
    script = "import brokerwire.export, sys\nprint(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True)  # noqa: S603  # our own interpreter
    assert not set(found.stdout.split()) & {"polars", "pyarrow", "aiohttp"}
