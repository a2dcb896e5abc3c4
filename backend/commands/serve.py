"""`serve` and `worker`: the processes of the service."""

from typing import TYPE_CHECKING, Annotated

import typer

from backend.commands import common
from backend.commands.greeting import greet

if TYPE_CHECKING:
    from backend.loop.services import Services


def serve(
    port: Annotated[int | None, typer.Option(help="Port to listen on [PORT, 9090].")] = None,
    worker: Annotated[bool, typer.Option(help="Run a worker beside the server.")] = True,
) -> None:
    """Run the server, with a worker beside it."""
    from backend.process import serve as run

    settings = common.settings(serving=True, port=port)

    def listening(services: "Services") -> None:
        greet(services, worker)

    run(settings, embedded_worker=worker, listening=listening)


def worker(
    parent: Annotated[int | None, typer.Option(hidden=True, help="Stop when this process is gone.")] = None,
) -> None:
    """Run a worker alone: it trains and publishes what the registry says is left to do."""
    from backend.process import run_worker

    run_worker(common.settings(tell=parent is None), parent)
