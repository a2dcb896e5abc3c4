import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.settings import Settings
from backend.web.hosts import AllowedHosts, name_of


def hosts(folder: Path, **settings: Any) -> AllowedHosts:
    return AllowedHosts(Settings(data_dir=folder, **settings))


HERE = [
    "localhost", "LOCALHOST:9090", "localhost.", "localhost.:9090", "app.localhost", "127.0.0.1", "127.0.0.1:9090",
    "127.3.2.1", "[::1]", "[::1]:9090", "host.docker.internal:9090", "host.containers.internal", socket.gethostname(),
]  # fmt: skip
FOREIGN = [
    "evil.example", "evil.example:9090", "evil.example.:9090", "localhost.evil.example", "127.0.0.1.nip.io", "127.1",
    "xn--lcalhost-54a.example", "host.docker.internal.evil.example", "evil-localhost.com", "0x7f.0.0.1",
    "models.internal.example", "LOCALHOST.EVIL.EXAMPLE",
]  # fmt: skip
MALFORMED = [
    "", " ", "localhost:", "localhost:x", "localhost:9090:1", "a@localhost", "localhost/", "localhost\\", "local host",
    "localhost,evil.example", "http://localhost", "[::1", "::1", "[::1]x", "..", ".localhost", "localhost..", "ｌocalhost",
    "localhost\n", "localhost:123456", "[evil.example]",
]  # fmt: skip


@pytest.mark.parametrize("host", HERE)
def test_this_machine_is_reached_under_its_own_names(tmp_path: Path, host: str) -> None:
    assert hosts(tmp_path).allow([host])


@pytest.mark.parametrize("host", [*FOREIGN, *MALFORMED])
@pytest.mark.parametrize("listen", ["127.0.0.1", "0.0.0.0"])
def test_a_name_that_others_can_register_is_not_ours(tmp_path: Path, host: str, listen: str) -> None:
    assert not hosts(tmp_path, host=listen).allow([host])


@pytest.mark.parametrize(
    "host", ["192.168.1.5:9090", "[fe80::1]:9090", "backend:9090", "micro_models", "mm-1", "backend.internal:9090"]
)
def test_addresses_and_names_without_a_dot_are_ours_where_other_machines_may_call(tmp_path: Path, host: str) -> None:
    assert hosts(tmp_path, host="0.0.0.0").allow([host])
    assert not hosts(tmp_path).allow([host]), "nobody but a proxy can have called us so"


@pytest.mark.parametrize("host", ["2130706433", "2130706433:9090"])
def test_an_address_written_as_a_number_is_no_name(tmp_path: Path, host: str) -> None:
    assert not hosts(tmp_path, host="0.0.0.0").allow([host])


def test_what_the_operator_allows(tmp_path: Path) -> None:
    allowed = hosts(tmp_path, allowed_hosts=("Models.Example.org", "10.0.0.7", "[fd00::1]"))
    for host in ("models.example.org", "models.example.org.:443", "10.0.0.7:1", "[fd00::1]:1"):
        assert allowed.allow([host])
    assert not allowed.allow(["x.models.example.org"])


def test_one_name_or_none(tmp_path: Path) -> None:
    assert hosts(tmp_path).allow([]), "HTTP/1.0 needs none, and browsers always give one"
    assert not hosts(tmp_path).allow(["localhost", "localhost"])
    assert not hosts(tmp_path).allow(["localhost", "evil.example"])


@given(st.text(max_size=40) | st.from_regex(r"[a-z0-9.:\[\]@-]{1,20}", fullmatch=True))
def test_a_name_is_plain_or_none(host: str) -> None:
    name = name_of(host)
    assert name is None or (name.isascii() and name == name.lower() and not set(name) & set("[]@/\\ "))
