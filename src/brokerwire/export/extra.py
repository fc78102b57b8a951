"""The packages of the extra ``export``, loaded when first needed."""

import importlib
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
        package = module.partition(".")[0]
        raise ConfigurationError(f'this needs {package}: pip install "brokerwire[export]"') from exc
