from pathlib import Path

import pytest

SDK_PYTHON = Path(__file__).parent.parent.parent / ".venv-sdk" / "bin" / "python"


def test_the_sdks_are_installed() -> None:
    if not SDK_PYTHON.exists():
        pytest.skip("THE COMMUNITY SDKS ARE NOT INSTALLED: `make sdks` installs them and runs the tests with them")
