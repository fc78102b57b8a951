import subprocess
import sys

import pytest

import brokerwire


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  # our own interpreter
        [sys.executable, *arguments], capture_output=True, text=True, timeout=30, check=False
    )


@pytest.mark.process
def test_the_package_is_a_command() -> None:
    found = run("-m", "brokerwire", "--version")
    assert (found.returncode, found.stdout, found.stderr) == (0, f"brokerwire {brokerwire.__version__}\n", "")


WITHOUT = """
import sys

class Without:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Without())
from brokerwire.__main__ import main
main()
"""


@pytest.mark.process
@pytest.mark.parametrize("missing", ["typer", "rich"])
def test_without_its_extra_the_command_says_what_to_install(missing: str) -> None:
    found = run("-c", WITHOUT, missing)
    assert found.returncode == 1
    assert found.stderr == 'the command line needs its extra: pip install "brokerwire[cli]"\n'


@pytest.mark.process
def test_a_package_that_is_missing_for_another_reason_is_named() -> None:
    found = run("-c", WITHOUT, "msgspec")
    assert found.returncode == 1
    assert found.stderr.splitlines()[-1] == "ModuleNotFoundError: No module named 'msgspec'"
