"""Grades and comments straight to a Canvas site, by its REST API. Canvas's files belong to `intake` and `gradebook`.

A push reads what stands there (`assignment`), decides what changes (`plan`), sends it and looks whether it arrived
(`sending`); `push` is the whole, `access` and `client` carry it. Importing it without the extra [canvas] is refused.
"""

from importlib import import_module

from autograder.errors import AutograderError

try:
    for package in ("keyring", "requests"):
        import_module(package)
except ModuleNotFoundError as missing:
    raise AutograderError(
        f"Talking to Canvas needs an extra that is not installed ({missing.name}): "
        "pip install 'autograder[canvas]', or in a checkout pip install -e '.[canvas]'."
    ) from None
