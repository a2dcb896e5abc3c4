"""Making a process of the service: its logging, its rooms, its server or its worker."""

import errno
import logging
import os
import signal
import socket
import sys
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from backend.cancel import CancelSource
from backend.errors import RegistryError, SettingsError
from backend.jobs.complaints import Complaints
from backend.jobs.queue import Handlers, HueyQueue, open_storage
from backend.jobs.supervisor import Supervisor
from backend.jobs.worker import stop_with_server, work
from backend.loop.services import NOT_GIVEN, Access, Services, make_services
from backend.settings import Settings, worker_environment
from model_registry import open_registry

if TYPE_CHECKING:
    import uvicorn

    from backend.loop.group_work import GroupWorker

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
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    # Of the libraries only what is wrong, unless a person looks for more than we say by ourselves.
    least = logging.getLevelNamesMapping()[settings.log_level.upper()]
    logging.basicConfig(
        level=logging.INFO if least == logging.DEBUG else max(least, logging.WARNING), stream=sys.stderr
    )


def open_services(settings: Settings, queue: HueyQueue | None = None, given: Access = NOT_GIVEN) -> Services:
    """The rooms of one process, on the registry and queue that the settings name."""
    registry = open_registry(settings.database, settings.artifacts)
    queue = queue or HueyQueue(open_storage(settings.queue_url, settings.folder))
    return make_services(settings, registry, queue, registry.clock, given=given)


def worker_name(pid: int) -> str:
    """Name in leases of the worker beside a server: the machine and the process."""
    return f"{socket.gethostname()}:{pid}"


def new_worker_name() -> str:
    """Name in leases of a worker by itself: containers may share the names of their machine and process."""
    return f"{worker_name(os.getpid())}:{uuid.uuid4().hex[:8]}"


def serve(
    settings: Settings, embedded_worker: bool = True, listening: Callable[[Services], object] = lambda _: None
) -> None:
    """Run the server until it is told to stop, with a worker beside it unless workers run elsewhere.

    `listening` is called once the address is ours.
    """
    from backend.loop.events.draining import Recorder
    from backend.web.connections import BACKLOG

    services = open_services(settings)
    recorder = Recorder(services)
    # Before a worker is started: a server that cannot listen leaves none behind.
    listener = listen(settings.host, settings.port, BACKLOG)
    listening(services)
    server = _web_server(services)
    place = worker_name(os.getpid())
    supervisor = Supervisor(
        [sys.executable, "-m", "backend", "worker", "--server-pid", str(os.getpid())],
        lambda pid, why: note_death(services, place, pid, why),
        worker_environment(),
    )
    stop_on_sigterm()
    recorder.start()
    if embedded_worker:
        with suppress(RegistryError):  # it is away for a moment: the first sign of life does it
            services.registry.workers.starting(place)
        supervisor.start()
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:
        pass
    finally:
        if embedded_worker:
            supervisor.stop()
        recorder.stop()
        services.registry.close()


def _web_server(services: Services) -> "uvicorn.Server":
    import uvicorn

    from backend.web.app import create_app
    from backend.web.connections import PatientProtocol

    config = uvicorn.Config(
        create_app(services),
        http=PatientProtocol,
        ws="none",
        server_header=False,
        log_level="warning",
        access_log=False,
    )
    return uvicorn.Server(config)


def listen(host: str, port: int, backlog: int) -> socket.socket:
    """A socket that listens there; raises SettingsError where that is not possible."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=backlog)
    except (OSError, UnicodeError) as error:
        taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        why = "something else listens there" if taken else getattr(error, "strerror", None) or str(error)
        raise SettingsError(
            f"Cannot listen on {host or '0.0.0.0'}:{port}: {why}. Stop what listens there, or choose another port with "
            "--port or PORT, or another address of this machine with MICRO_MODELS_HOST."
        ) from None


def run_worker(settings: Settings, server_pid: int | None) -> None:
    """Run a worker until it is told to stop, or until process `server_pid` is gone."""
    from backend.learning.network import threads
    from backend.loop.data.memory import offer_itself
    from backend.loop.events.sweep import sweep_project
    from backend.loop.group_work import GroupWorker

    stop, complaints = CancelSource(), Complaints()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.cancel("The worker stops; another one goes on."))
    name = new_worker_name() if server_pid is None else worker_name(os.getpid())
    if server_pid is not None:
        os.nice(NICENESS)
        stop_with_server(stop, server_pid)
    offer_itself()
    threads.use_threads(settings.threads)

    def run_groups() -> None:
        with complaints.about("a look at the groups"):
            worker.run_due()

    def sweep(project: int) -> None:
        with complaints.about(f"the comparison of project {project} with Label Studio"):
            sweep_project(services, project)

    handlers = Handlers(run_groups, sweep)
    queue = HueyQueue(open_storage(settings.queue_url, settings.folder), handlers)
    services = open_services(settings, queue)
    worker = GroupWorker(services, name, stop)
    place = name if server_pid is None else worker_name(server_pid)
    with suppress(BrokenPipeError):  # the server is gone that read what is logged, and we are about to go
        work(queue, stop, _tick(services, place, worker, complaints), TICK_SECONDS, complaints)
        with complaints.about("the farewell"):
            services.registry.leases.release_owner(name)
            services.registry.workers.ended(place)
            services.registry.close()
    # A training that has not noticed the stop yet would hold the process up; nothing of it is wanted any more.
    with suppress(OSError):
        sys.stderr.flush()
    os._exit(0)


def _tick(services: Services, place: str, worker: "GroupWorker", complaints: Complaints) -> Callable[[], None]:
    """What a worker does every few seconds: give a sign of life, and look for work that no message told of."""
    from backend.loop.events.sweep import Reconciler
    from backend.loop.worker.heartbeat import Heartbeat

    beat, reconcile = Heartbeat(services, place, lambda: worker.doing, lambda: complaints.newest), Reconciler(services)

    def tick() -> None:
        with complaints.about("the sign of life"):
            beat()
        reconcile()

    return tick


def note_death(services: Services, place: str, pid: int | None, why: str) -> None:
    """Say why the worker in this place ended, and free the groups that it held: the next one need not wait for its leases
    to run out. What it was at work on may have ended it."""
    services.registry.workers.ended(place, why)
    if pid is not None:
        services.registry.leases.release_owner(worker_name(pid), died=True)


def stop_on_sigterm() -> None:
    """Let SIGTERM end the process like Ctrl-C: uvicorn raises it again when it has shut down."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
