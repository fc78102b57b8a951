"""The packages of the extra ``export``, loaded when first needed."""

import importlib
import importlib.util
from typing import Any

from brokerwire.errors import ConfigurationError


def load(module: str) -> Any:
    """Return a module of polars or pyarrow.

    Raises:
        ConfigurationError: It is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as exc:
        raise _missing(module.partition(".")[0]) from exc


def require(package: str) -> None:
    """Check that polars or pyarrow is there, and load nothing: it takes a while.

    Raises:
        ConfigurationError: It is not installed.
    """
    if importlib.util.find_spec(package) is None:
        raise _missing(package)


def _missing(package: str) -> ConfigurationError:
    return ConfigurationError(f'this needs {package}: pip install "brokerwire[export]"')
