"""Making a process of the service: its logging, its rooms, its server or its worker."""

import logging
import os
import signal
import socket
import sys
import threading
import uuid

import structlog

from backend.jobs.queue import Handlers, HueyQueue, open_storage
from backend.jobs.supervisor import Supervisor
from backend.jobs.worker import stop_with_parent, work
from backend.loop.services import Services, make_services
from backend.settings import Settings, worker_environment
from model_registry import open_registry

TICK_SECONDS = 5.0
"""Pause between a worker's looks for work that no message told of: a lost job costs no more than this."""

NICENESS = 10
"""The worker gives way to the server, which must answer Label Studio within a second while a training runs."""


def configure_logging(settings: Settings) -> None:
    """Structured lines on stderr: readable, or JSON for log collectors."""
    renderer = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=False),
            *([structlog.processors.format_exc_info] if settings.log_format == "json" else []),
            renderer,
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)


def open_services(settings: Settings, queue: HueyQueue | None = None) -> Services:
    """The rooms of one process, on the registry and queue that the settings name."""
    registry = open_registry(settings.database, settings.artifacts)
    queue = queue or HueyQueue(open_storage(settings.queue_url, settings.folder))
    return make_services(settings, registry, queue, registry.clock)


def worker_name(pid: int) -> str:
    """Name in leases of the worker beside a server: the machine and the process."""
    return f"{socket.gethostname()}:{pid}"


def new_worker_name() -> str:
    """Name in leases of a worker by itself: containers may share the names of their machine and process."""
    return f"{worker_name(os.getpid())}:{uuid.uuid4().hex[:8]}"


def serve(settings: Settings, embedded_worker: bool = True) -> None:
    """Run the server until it is told to stop, with a worker beside it unless workers run elsewhere."""
    import uvicorn

    from backend.loop.draining import Recorder
    from backend.web.app import create_app

    services = open_services(settings)
    recorder = Recorder(services)
    supervisor = Supervisor(
        [sys.executable, "-m", "backend", "worker", "--parent", str(os.getpid())],
        lambda pid: give_back(services, pid),
        worker_environment(),
    )
    stop_on_sigterm()
    recorder.start()
    if embedded_worker:
        supervisor.start()
    try:
        uvicorn.run(create_app(services), host=settings.host, port=settings.port, log_level="warning", access_log=False)
    except KeyboardInterrupt:
        pass
    finally:
        if embedded_worker:
            supervisor.stop()
        recorder.stop()
        services.registry.close()


def run_worker(settings: Settings, parent: int | None) -> None:
    """Run a worker until it is told to stop, or until process `parent` is gone."""
    from backend.learning import threads
    from backend.loop.group_work import GroupWorker
    from backend.loop.sweep import LookRound, sweep_project

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    name = new_worker_name() if parent is None else worker_name(os.getpid())
    if parent is not None:
        os.nice(NICENESS)
        stop_with_parent(stop, parent)
    threads.use_threads(settings.threads)
    handlers = Handlers(look=lambda: worker.look(), sweep=lambda project: sweep_project(services, project))
    queue = HueyQueue(open_storage(settings.queue_url, settings.folder), handlers)
    services = open_services(settings, queue)
    worker = GroupWorker(services, name, stop)
    work(queue, stop, LookRound(services), TICK_SECONDS)
    services.registry.leases.release_owner(name)
    services.registry.close()
    # A training that has not noticed the stop yet would hold the process up; nothing of it is wanted any more.
    sys.stderr.flush()
    os._exit(0)


def give_back(services: Services, pid: int) -> None:
    """Free the groups that a dead worker held, so that the next one need not wait for its leases to run out."""
    services.registry.leases.release_owner(worker_name(pid))


def stop_on_sigterm() -> None:
    """Let SIGTERM end the process like Ctrl-C: uvicorn raises it again when it has shut down."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
