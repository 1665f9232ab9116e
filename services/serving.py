"""One service as one process: `python -m services.stats`, or forked in the nursery."""

import gc
from importlib import import_module

from shared.server import serve
from shared.settings import Settings

COLLECT_AFTER = 50_000
"""New objects before the collector looks for circles among them."""


def run_service(name: str) -> None:
    """Build the service by the settings of the environment and serve it until told to stop."""
    settings = Settings()
    _, served = import_module(f"services.{name}.app").build(settings)
    spare_the_collector()
    serve(served, name, settings.host, settings.port(name), settings.proxy)


def spare_the_collector() -> None:
    """Have garbage looked for where there may be some, and seldom."""
    gc.collect()
    # What is loaded by now stays for good: the collector need not look at it again and again.
    gc.freeze()
    # A batch of a thousand events makes many small objects, none of them in a circle.
    gc.set_threshold(COLLECT_AFTER, 20, 20)
