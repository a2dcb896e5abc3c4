"""Killing processes so that nobody can doubt it."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress

import psutil

GONE_SECONDS = 10.0
"""A process that SIGKILL does not end in this time hangs in the kernel."""


def worker_beside(server: int) -> psutil.Process | None:
    """The living worker that a server has started, from whichever of its threads; None where there is none now."""
    with suppress(psutil.NoSuchProcess):
        for child in psutil.Process(server).children():
            with suppress(psutil.NoSuchProcess):
                if "worker" in child.cmdline() and is_alive(child):
                    return child
    return None


def is_alive(process: psutil.Process) -> bool:
    """Whether it is this very process, not another one with its number, and not what is left of a dead one."""
    try:
        return process.is_running() and process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return False


def kill(process: psutil.Process) -> None:
    """kill -9; returns when the process is gone. AssertionError where it was dead before, or would not die."""
    assert is_alive(process), f"process {process.pid} was to be killed, but it had ended already"
    os.kill(process.pid, signal.SIGKILL)
    end(lambda: not is_alive(process), f"process {process.pid} outlived SIGKILL")


def end(gone: Callable[[], bool], otherwise: str) -> None:
    """Wait until something is gone; AssertionError where it stays."""
    give_up = time.monotonic() + GONE_SECONDS
    while not gone():
        assert time.monotonic() < give_up, otherwise
        time.sleep(0.01)
