"""The backend beyond one machine: servers behind a load balancer and workers, each with a data folder of its own."""

import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from backend.demo.backend_server import PROGRAM, BackendServer
from backend.demo.child import Child
from tests.engines import S3_ACCOUNT
from tests.proxy import Proxy

WORKER = {"MICRO_MODELS_THREADS": "1", "GOMP_SPINCOUNT": "20000"}
"""Several share two cores."""


def shared_settings(redis: str, postgres: str, s3: str, bucket: str = "artifacts") -> dict[str, str]:
    """What makes processes on different machines one backend."""
    return S3_ACCOUNT | {
        "MICRO_MODELS_QUEUE_URL": redis,
        "MICRO_MODELS_DATABASE_URL": postgres,
        "MICRO_MODELS_ARTIFACTS_URL": f"s3://{bucket}/{os.urandom(4).hex()}",
        "FSSPEC_S3_ENDPOINT_URL": s3,
    }


class ScaledBackend:
    """Looks like one `BackendServer` from outside; start it before it is used."""

    def __init__(
        self, folder: Path, label_studio_url: str, api_key: str, env: Mapping[str, str],
        servers: int = 2, workers: int = 3,
    ) -> None:  # fmt: skip
        self._stack = ExitStack()
        self.servers = [BackendServer(folder / f"server{n}", label_studio_url, api_key, 0, env) for n in range(servers)]
        for server in self.servers:
            server.child.command.append("--no-worker")
        self.workers = [self._worker(folder / f"worker{n}", env) for n in range(workers)]

    @property
    def child(self) -> Child:
        """Whose log tells most."""
        return self.workers[0]

    def start(self) -> None:
        """Workers first: they take longer."""
        for worker in self.workers:
            worker.start()
        for server in self.servers:
            server.start()
        self.balancer = self._stack.enter_context(Proxy(*(("127.0.0.1", s.port) for s in self.servers)))
        self.url = self.balancer.url

    def stop(self) -> None:
        """Stop all of it."""
        self._stack.close()
        for server in self.servers:
            server.stop()
        for worker in self.workers:
            worker.stop()

    def status(self, project: int) -> dict[str, Any]:
        """What any server says that is up."""
        return next(s for s in self.servers if s.child.alive).status(project)

    def connect(self, project: int) -> None:
        """Connect a project to the load balancer."""
        self.servers[0].connect(project, self.url)

    def _worker(self, folder: Path, env: Mapping[str, str]) -> Child:
        settings = self.servers[0].child.env | WORKER | {"MICRO_MODELS_DATA_DIR": str(folder)} | env
        return Child(
            folder.name, [*PROGRAM, "worker"], settings, Path.cwd(), folder.with_name(f"{folder.name}-log.txt")
        )

    def __enter__(self) -> "ScaledBackend":
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
