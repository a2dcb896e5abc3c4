import os
import socket
import sys
import time
from pathlib import Path

import pytest

from backend.demo.child import Child, free_port
from backend.errors import DemoError

SERVER = "import http.server, sys; http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), type('H',\
 (http.server.BaseHTTPRequestHandler,), {'do_GET': lambda self: (self.send_response(200), self.end_headers())}))\
.serve_forever()"


def child(folder: Path, code: str, *arguments: str) -> Child:
    return Child("The thing", [sys.executable, "-c", code, *arguments], dict(os.environ), folder, folder / "log.txt")


def lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_a_server_is_waited_for_and_stopped(tmp_path: Path) -> None:
    port = free_port()
    server = child(tmp_path, SERVER, str(port))
    server.start()
    server.wait_healthy(f"http://127.0.0.1:{port}/health", 30)
    pid = server.pid
    assert server.alive
    server.stop()
    assert not server.alive
    assert not lives(pid)
    server.stop()


def test_a_process_that_ends_by_itself_shows_its_log(tmp_path: Path) -> None:
    broken = child(tmp_path, "raise SystemExit('no disk left')")
    broken.start()
    with pytest.raises(DemoError, match=r"The thing ended by itself \(exit code 1\)(.|\n)*no disk left"):
        broken.wait_healthy("http://127.0.0.1:9/", 30)
    broken.stop()


def test_no_answer_in_time_is_an_error(tmp_path: Path) -> None:
    mute = child(tmp_path, "import time; time.sleep(60)")
    mute.start()
    try:
        with pytest.raises(DemoError, match="gave no answer"):
            mute.wait_healthy(f"http://127.0.0.1:{free_port()}/", 0, sleep=lambda _: None)
    finally:
        mute.stop()


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks for processes in /proc")
def test_what_the_process_started_ends_too_and_deaf_ones_are_killed(tmp_path: Path) -> None:
    code = (
        "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid, flush=True); time.sleep(60)"
    )
    deaf = child(tmp_path, code)
    deaf.start()
    while not (text := deaf.log.read_text()).endswith("\n"):
        time.sleep(0.02)
    pid, grandchild = deaf.pid, int(text)
    assert lives(grandchild)
    deaf.stop(seconds=0.2)
    give_up = time.monotonic() + 5  # its new parent, not we, learns of its end
    while lives(grandchild) and time.monotonic() < give_up:
        time.sleep(0.02)
    assert not lives(pid)
    assert not lives(grandchild)


def test_ctrl_c_in_the_terminal_does_not_reach_it(tmp_path: Path) -> None:
    sleeper = child(tmp_path, "import time; time.sleep(60)")
    sleeper.start()
    try:
        assert os.getpgid(sleeper.pid) != os.getpgid(0)
    finally:
        sleeper.stop()


def test_a_child_that_was_not_started_has_no_process(tmp_path: Path) -> None:
    never = child(tmp_path, "")
    assert not never.alive
    assert "wrote no log" in never.log_tail()
    never.stop()
    with pytest.raises(DemoError, match="was not started"):
        _ = never.pid


def test_a_taken_port_is_replaced() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        taken = holder.getsockname()[1]
        assert free_port(taken) != taken
