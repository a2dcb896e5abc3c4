"""The compose files: valid by the specification, and every name in them leads somewhere."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import compose_spec
import pytest
import yaml

from backend.settings import Settings
from tests.docker.engine import without_names

DOCKER = Path(__file__).parents[2] / "docker"
FILES = sorted(path.name for path in DOCKER.glob("compose*.yml"))
VARIABLE = re.compile(r"\$\{(\w+)(?::?-([^}]*)|:\?[^}]*)?\}")
"""With its default; one that must be given (`:?`) has none."""
COMPOSE = ["docker", "compose"], ["docker-compose"]
LABEL_STUDIO = {
    # Documented by Label Studio, or read by its code.
    "LABEL_STUDIO_USERNAME", "LABEL_STUDIO_PASSWORD", "LABEL_STUDIO_USER_TOKEN", "LABEL_STUDIO_HOST",
    "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN", "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK",
    "LABEL_STUDIO_ML_BLOCK_LOCAL_IP", "LABEL_STUDIO_SSRF_PROTECTION_ENABLED",
    "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED", "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT",
}  # fmt: skip
OF_OTHERS = {
    "FSSPEC_S3_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION",
    "POSTGRES_PASSWORD", "POSTGRES_DB", "MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD",
}  # fmt: skip
PORTS = {
    "label-studio": 8080,
    "backend": 9090,
    "server": 9090,
    "proxy": 9090,
    "redis": 6379,
    "postgres": 5432,
    "s3": 9000,
}


def load(name: str) -> dict[str, Any]:
    """A compose file with the defaults of its variables."""
    text = VARIABLE.sub(lambda match: "given" if ":?" in match[0] else match[2] or "", (DOCKER / name).read_text())
    return dict(yaml.safe_load(text))


def services(name: str) -> dict[str, dict[str, Any]]:
    """The services of a file, those that extend another's filled in."""
    found = {}
    for service, fields in load(name)["services"].items():
        source = fields.get("extends")
        found[service] = fields if source is None else load(source["file"])["services"][source["service"]]
    return found


def ours(name: str) -> dict[str, dict[str, Any]]:
    """The services that run our image."""
    return {k: v for k, v in services(name).items() if str(v.get("image", "")).startswith("micro-models")}


def setting_names() -> set[str]:
    """Every name under which a setting is read."""
    names = set()
    for name, field in Settings.model_fields.items():
        alias = field.validation_alias
        names |= {str(c) for c in alias.choices} if hasattr(alias, "choices") else {f"MICRO_MODELS_{name.upper()}"}
    return names


@pytest.mark.parametrize("name", FILES)
def test_it_is_valid(name: str) -> None:
    # The library knows no word for the address of this machine.
    text = yaml.safe_dump(load(name)).replace("host-gateway", "172.17.0.1")
    compose_spec.PyCompose.from_yaml(text).validate()


@pytest.mark.parametrize("name", FILES)
def test_every_variable_that_it_sets_is_read_by_somebody(name: str) -> None:
    for service, fields in services(name).items():
        known = setting_names() | OF_OTHERS if service in ours(name) else LABEL_STUDIO | OF_OTHERS
        assert set(fields.get("environment", {})) <= known, service


@pytest.mark.parametrize("name", FILES)
def test_settings_are_usable(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for fields in ours(name).values():
        for variable, value in fields.get("environment", {}).items():
            monkeypatch.setenv(variable, value)
        Settings()  # type: ignore[call-arg]


@pytest.mark.parametrize("name", FILES)
def test_build_arguments_and_files_exist(name: str) -> None:
    dockerfile = (DOCKER / "Dockerfile").read_text()
    for fields in services(name).values():
        build = fields.get("build", {})
        for argument in build.get("args", {}):
            assert f"ARG {argument}=" in dockerfile
        if "dockerfile" in build:
            assert (DOCKER / build["context"] / build["dockerfile"]).is_file()
        for volume in fields.get("volumes", []):
            source = volume.split(":")[0]
            assert not source.endswith(".cfg") or (DOCKER / source).is_file()


@pytest.mark.parametrize("name", [name for name in FILES if name != "compose.gpu.yml"])
def test_volumes_and_services_that_it_names_exist(name: str) -> None:
    declared = load(name).get("volumes", {})
    for service, fields in services(name).items():
        named = {v.split(":")[0] for v in fields.get("volumes", []) if not v.startswith((".", "/"))}
        assert named <= set(declared), service
        for other, how in fields.get("depends_on", {}).items():
            assert other in services(name)
            if how["condition"] == "service_healthy":
                checked = services(name)[other]
                # Our image has a health check of its own.
                health = checked.get("healthcheck", {})
                assert "test" in health or (other in ours(name) and "disable" not in health)


@pytest.mark.parametrize("name", [name for name in FILES if name != "compose.gpu.yml"])
def test_addresses_name_a_service_and_its_port(name: str) -> None:
    found = services(name)
    for service, fields in ours(name).items():
        said = [*fields.get("environment", {}).values(), *fields.get("command", [])]
        for url in (urlsplit(text) for text in said if "://" in text and not text.startswith("s3://")):
            if name == "compose.backend.yml":
                assert (url.hostname, url.port) in (("host.docker.internal", 8080), ("localhost", 9090))
                continue
            host = str(url.hostname).removesuffix(".internal")
            assert host in found, service
            assert url.port == PORTS[host]
            if host != url.hostname:
                assert url.hostname in found[host]["networks"]["default"]["aliases"]
        for port in fields.get("ports", []):
            assert int(port.rsplit(":", 1)[1]) == PORTS[service]


@pytest.mark.parametrize("name", FILES)
def test_our_services_may_do_as_little_as_possible(name: str) -> None:
    for service, fields in ours(name).items():
        if name != "compose.gpu.yml":  # which only adds to the others
            assert fields["read_only"] is True, service
            assert fields["cap_drop"] == ["ALL"]


def test_one_machine_is_healthy_only_with_a_worker_and_many_machines_servers_without() -> None:
    assert "/ready" in str(services("compose.yml")["backend"]["healthcheck"]["test"])
    # The image's own: whether it answers.
    assert "test" not in services("compose.scale.yml")["server"]["healthcheck"]
    assert "/health" in (DOCKER / "Dockerfile").read_text()


def test_label_studio_may_call_the_backend_and_gives_its_key() -> None:
    studio, backend = (services("compose.yml")[name]["environment"] for name in ("label-studio", "backend"))
    assert studio["LABEL_STUDIO_ML_BLOCK_LOCAL_IP"] == studio["LABEL_STUDIO_SSRF_PROTECTION_ENABLED"] == "false"
    assert studio["LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN"] == "true"
    assert backend["LABEL_STUDIO_API_KEY"] == studio["LABEL_STUDIO_USER_TOKEN"]
    assert studio["LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT"] == backend["MICRO_MODELS_DOCUMENT_ROOT"]


@pytest.mark.parametrize("name", ["compose.yml", "compose.scale.yml"])
def test_who_serves_and_who_connects_know_one_password(name: str) -> None:
    names = ("MICRO_MODELS_BASIC_AUTH_USER", "MICRO_MODELS_BASIC_AUTH_PASSWORD")
    known = {tuple(fields["environment"].get(n) for n in names) for fields in ours(name).values()}
    assert known == {("micro-models", "micro-models")}
    assert "MICRO_MODELS_HOST=0.0.0.0" in (DOCKER / "Dockerfile").read_text()


def test_beside_another_label_studio_both_share_the_password_that_is_made() -> None:
    found = services("compose.backend.yml")
    assert {str(fields["volumes"]) for fields in found.values()} == {"['backend:/data']"}
    assert not any("PASSWORD" in variable for fields in found.values() for variable in fields["environment"])
    assert all(fields["extra_hosts"] == ["host.docker.internal:host-gateway"] for fields in found.values())


def composed(folder: Path, *names: str, **env: str) -> subprocess.CompletedProcess[str]:
    """What docker-compose makes of these files; skips where there is none. No engine is asked."""
    program = next((each for each in COMPOSE if shutil.which(each[0]) and not run(*each, "version").returncode), None)
    if program is None:
        pytest.skip("no docker compose: apt-get install docker-compose")
    without_names(folder)
    files = [word for name in names for word in ("-f", str(folder / name))]
    return run(*program, "--project-directory", str(folder), *files, "config", **env)


def run(*command: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | env)


@pytest.mark.parametrize("name", FILES)
def test_docker_compose_takes_it(name: str, tmp_path: Path) -> None:
    base = ["compose.yml"] if name == "compose.gpu.yml" else []
    found = composed(tmp_path, *base, name, LABEL_STUDIO_API_KEY="key")
    assert found.returncode == 0, found.stderr
    assert yaml.safe_load(found.stdout)["services"]


def test_three_variables_say_who_reaches_whom(tmp_path: Path) -> None:
    said = {"LABEL_STUDIO_URL": "https://label.test", "LABEL_STUDIO_API_KEY": "k", "BACKEND_URL": "https://ours.test"}
    found = composed(tmp_path, "compose.backend.yml", **said)
    both = yaml.safe_load(found.stdout)["services"]
    for fields in both.values():
        environment = fields["environment"]
        assert (environment["LABEL_STUDIO_URL"], environment["LABEL_STUDIO_API_KEY"]) == ("https://label.test", "k")
    assert both["connect"]["command"][-1] == "https://ours.test"


def test_without_a_key_it_says_where_to_find_it(tmp_path: Path) -> None:
    found = composed(tmp_path, "compose.backend.yml", LABEL_STUDIO_API_KEY="")
    assert found.returncode
    assert "Account & Settings" in found.stderr


def test_ports_are_open_to_this_machine_alone_while_everybody_knows_the_key() -> None:
    for name in FILES:
        for fields in services(name).values():
            assert all(str(port).startswith("127.0.0.1:") for port in fields.get("ports", []))


def test_a_change_of_ours_makes_no_dependency_anew() -> None:
    # A layer is made anew with all below it once a file that it copies has changed.
    dependencies, package, image = re.split(r"(?m)^FROM ", (DOCKER / "Dockerfile").read_text())[1:]
    copied = re.findall(r"(?m)^COPY (?:--from=(\w+) )?(.*) \S+$", dependencies)
    assert copied == [("", "docker/torch.in docker/torch.lock docker/requirements.lock")]
    assert package.startswith("dependencies AS package")
    copied = re.findall(r"(?m)^COPY (?:--from=(\w+) )?(.*) \S+$", image)
    assert copied == [("dependencies", "/opt/micro-models"), ("package", "/opt/package")]


def test_the_proxy_finds_the_servers() -> None:
    config = (DOCKER / "haproxy.cfg").read_text()
    assert "server-template server 20 server:9090" in config
    assert "bind :9090" in config


def test_the_example_of_variables_holds_each_with_its_default() -> None:
    lines = (DOCKER / ".env.example").read_text().splitlines()
    example = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    used: dict[str, str] = {}
    for name in FILES:
        used |= dict(VARIABLE.findall((DOCKER / name).read_text()))
    assert used == example
