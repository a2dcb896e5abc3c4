"""Settings: half a credential is none, whoever can be reached has a password, and where the data folder is."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from backend.errors import SettingsError
from backend.settings import DEFAULT_USER, Settings, load_settings

USER, PASSWORD = "MICRO_MODELS_BASIC_AUTH_USER", "MICRO_MODELS_BASIC_AUTH_PASSWORD"


def settings(folder: Path, **values: Any) -> Settings:
    return Settings(data_dir=folder, **values)


@pytest.mark.parametrize(("there", "missing"), [(USER, PASSWORD), (PASSWORD, USER)])
@pytest.mark.parametrize("empty", [None, ""])
def test_half_a_credential_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, there: str, missing: str, empty: str | None
) -> None:
    monkeypatch.setenv(there, "s3cret")
    if empty is not None:
        monkeypatch.setenv(missing, empty)
    with pytest.raises(SettingsError, match=rf"{there} is set, {missing} is not") as error:
        load_settings()
    assert "s3cret" not in str(error.value)


def test_on_a_loopback_address_no_password_is_demanded(tmp_path: Path) -> None:
    for host in ("127.0.0.1", "127.0.0.9", "::1", "localhost", "LOCALHOST"):
        assert settings(tmp_path, host=host).basic_auth is None
    assert not settings(tmp_path).password_file.exists()
    assert Settings.model_fields["host"].default == "127.0.0.1"


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.168.1.5", "models.example", "localhost.example", "127.0.0.1.nip.io"]
)
def test_whoever_can_be_reached_has_a_password_and_keeps_it(tmp_path: Path, host: str) -> None:
    made = settings(tmp_path, host=host).basic_auth
    assert made is not None
    user, password = made
    assert user == DEFAULT_USER
    assert len(password) >= 32
    again = settings(tmp_path, host=host)
    assert again.basic_auth == made, "the same at the next start"
    assert settings(tmp_path).basic_auth == made, "commands that know nothing of the address know the password"
    assert stat.S_IMODE(again.password_file.stat().st_mode) == 0o600


def test_a_password_that_is_set_is_the_one(tmp_path: Path) -> None:
    for host in ("0.0.0.0", "127.0.0.1"):
        chosen = settings(tmp_path, host=host, basic_auth_user="u", basic_auth_password="pä:ß")
        assert chosen.basic_auth == ("u", "pä:ß")
    assert not chosen.password_file.exists()


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    tmp_path.joinpath("data").mkdir()
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: settings(tmp_path / "data", host="0.0.0.0").basic_auth, range(32)))
    assert len(made) == 1
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["password"]


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user and a working directory of their own."""
    for name, value in (("HOME", "home"), ("XDG_DATA_HOME", "home/data")):
        monkeypatch.setenv(name, str(tmp_path / value))
    monkeypatch.delenv("MICRO_MODELS_DATA_DIR", raising=False)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path


def test_it_does_not_depend_on_where_one_stands(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = Settings().folder  # type: ignore[call-arg]
    monkeypatch.chdir(elsewhere)
    there = Settings()  # type: ignore[call-arg]
    assert here == there.folder
    assert not there.uses_old_folder
    assert here.is_relative_to(elsewhere / "home")
    assert here.stat().st_mode & 0o077 == 0


def test_what_an_older_release_left_here_is_used_and_told(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = elsewhere / "work" / "micro-models-data"
    old.mkdir()
    assert Settings().folder == old  # type: ignore[call-arg]
    assert Settings().uses_old_folder  # type: ignore[call-arg]
    monkeypatch.setenv("MICRO_MODELS_DATA_DIR", str(elsewhere / "mine"))
    named = Settings()  # type: ignore[call-arg]
    assert named.folder == elsewhere / "mine"
    assert not named.uses_old_folder


def test_a_file_of_that_name_is_no_data_folder(elsewhere: Path) -> None:
    (elsewhere / "work" / "micro-models-data").write_text("notes")
    assert not Settings().uses_old_folder  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("variable", "value", "field", "expected"),
    [
        ("LOG_LEVEL", "DEBUG", "log_level", "debug"),
        ("MODEL_DIR", "/models", "data_dir", Path("/models")),
        ("PORT", "9091", "port", 9091),
        ("SSL_CERT_FILE", "/ca.pem", "certificates", Path("/ca.pem")),
        ("REQUESTS_CA_BUNDLE", "/ca.pem", "certificates", Path("/ca.pem")),
    ],
)
def test_what_the_ecosystem_calls_by_other_names_is_understood(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, field: str, expected: Any
) -> None:
    for name in ("MICRO_MODELS_DATA_DIR", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, value)
    assert getattr(load_settings(), field) == expected


def test_label_studio_mls_credentials_are_demanded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MICRO_MODELS_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("BASIC_AUTH_USER", "u")
    with pytest.raises(SettingsError, match="BASIC_AUTH_PASSWORD is not"):
        load_settings()
    monkeypatch.setenv("BASIC_AUTH_PASS", "p")
    assert load_settings().basic_auth == ("u", "p")
    monkeypatch.setenv(USER, "ours")
    assert load_settings().basic_auth == ("ours", "p"), "our own name wins"


@pytest.mark.parametrize(
    ("variable", "value"),
    [("PORT", "99999"), ("MICRO_MODELS_PORT", "0"), ("MICRO_MODELS_TRAINING", "never"), ("LOG_LEVEL", "loud"),
     ("MICRO_MODELS_ALLOWED_HOSTS", "models.example.org")],
)  # fmt: skip
def test_what_is_wrong_is_told_by_the_name_it_was_given_by(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=f"{variable}='{value}': ") as error:
        load_settings()
    assert "\n" not in str(error.value)


def test_what_the_command_line_got_wrong_is_its_option() -> None:
    with pytest.raises(SettingsError, match=r"--port=99999: Input should be less than or equal to 65535"):
        load_settings(port=99999)
