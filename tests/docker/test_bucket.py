"""The service of compose.scale.yml that makes the bucket: it waits for the store, within bounds, and says what is wrong."""

import os
import subprocess
import sys
import time

import pytest

from backend.demo.child import free_port
from tests.docker.test_compose import services
from tests.engines import S3_ACCOUNT, S3Server

pytestmark = pytest.mark.slow
SECONDS = 60
"""That a store has to answer in."""


def make_bucket(endpoint: str, seconds: int = SECONDS) -> subprocess.CompletedProcess[str]:
    """The service's own program, on this machine."""
    _, option, program = services("compose.scale.yml")["bucket"]["entrypoint"]
    assert f"+ {SECONDS}\n" in program
    command = [sys.executable, option, program.replace(f"+ {SECONDS}\n", f"+ {seconds}\n")]
    env = os.environ | S3_ACCOUNT | {"FSSPEC_S3_ENDPOINT_URL": endpoint, "AWS_MAX_ATTEMPTS": "1"}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=120)


def test_it_makes_the_bucket_once() -> None:
    with S3Server() as store:
        for _ in range(2):
            made = make_bucket(store.endpoint)
            assert made.returncode == 0, made.stderr


def test_wrong_keys_are_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    # After the one request that asks whether it runs, it takes the keys that it knows: none.
    monkeypatch.setenv("INITIAL_NO_AUTH_ACTION_COUNT", "1")
    with S3Server() as store:
        began = time.monotonic()
        made = make_bucket(store.endpoint)
    assert made.returncode == 1
    assert "refuses S3_ACCESS_KEY and S3_SECRET_KEY" in made.stderr
    assert "Traceback" not in made.stderr
    assert time.monotonic() - began < SECONDS / 2


def test_a_store_that_is_not_there_is_waited_for_within_bounds() -> None:
    made = make_bucket(f"http://127.0.0.1:{free_port()}", seconds=3)
    assert made.returncode == 1
    assert "no bucket within a minute" in made.stderr
    assert "Traceback" not in made.stderr


def test_it_is_not_started_again_and_again() -> None:
    assert services("compose.scale.yml")["bucket"]["restart"] == "no"
