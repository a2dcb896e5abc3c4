"""What `serve` says once it listens: where everything is, whether Label Studio was reached, and what to type next."""

import shlex
import threading
from collections.abc import Callable
from importlib import metadata

import structlog
from rich.console import Console

from backend.commands.common import as_typed
from backend.errors import StudioError
from backend.loop.services import Access, Services, stored_access
from backend.settings import NAME, Settings

WIDTH = 14
"""Columns of the words before each line."""
EVERYWHERE = frozenset({"0.0.0.0", "::"})

log = structlog.get_logger(__name__)


def greet(services: Services, worker: bool) -> None:
    """Say it on stderr, or to a log collector as one event; Label Studio's answer comes when it comes."""
    settings = services.settings
    if settings.log_format == "json":
        log.info("listening", url=address(settings), folder=str(settings.folder), worker=worker)
        return
    console = Console(stderr=True)

    def say(what: str, line: str) -> None:
        text = f"  {what:{WIDTH}}{as_typed(line)}"
        console.print(text, highlight=False, markup=False, soft_wrap=True)

    console.print(f"{NAME} {version()} listens; Ctrl-C stops it.", highlight=False)
    for what, line in standing(settings, worker):
        say(what, line)
    # Label Studio may be slow or away, and the server answers meanwhile.
    threading.Thread(target=_look_at_studio, args=(services, say), name="greeting", daemon=True).start()


def standing(settings: Settings, worker: bool) -> list[tuple[str, str]]:
    """What holds from the start, as (what, where). Pure, but for a password that is made."""
    url = address(settings)
    lines = [("Server", url), ("Dashboard", f"{url}/"), ("Data folder", str(settings.folder))]
    if settings.host in EVERYWHERE:
        lines[0] = ("Server", f"{url}, and for other machines under this one's names and addresses")
    if settings.basic_auth and not settings.basic_auth_user:  # nobody chose it, so it must be told
        user, password = settings.basic_auth
        lines.append(("Login", f"User {user}, password {password} (kept in {settings.password_file})."))
    if not worker:
        lines.append(("Worker", "none here; `micro-models worker` trains"))
    return lines


def address(settings: Settings) -> str:
    """The server as this machine reaches it."""
    host = "127.0.0.1" if settings.host in EVERYWHERE else settings.host
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def reached(services: Services) -> tuple[str, str]:
    """Whether Label Studio answers, and what to type next. Asks the environment's, else a connected project's."""
    projects = services.registry.projects.all()
    stored = next((stored_access(p) for p in projects if not p.gone and not p.stopped), Access())
    access = stored.otherwise(services.environment) if stored else services.environment
    key = "" if access.key else " --api-key KEY"
    url = (
        f" --url {shlex.quote(access.url or 'http://localhost:8080')}" if not services.settings.label_studio_url else ""
    )
    backend = address(services.settings)
    other = f" --backend-url {backend}" if services.settings.port != 9090 else ""
    connect = f"`micro-models connect{url}{key} --project N{other}`"
    if not access:
        return "not known yet: its address or key is missing", f"{connect}; the key is under Account & Settings there"
    try:
        user = services.connect_studio(access.url, access.key).whoami()
    except StudioError as error:
        return f"not reached. {error}", f"once it answers: {connect}"
    found = f"{access.url} answers, to {user.get('email', 'an unnamed user')}"
    if projects:
        return found, f"`micro-models status` shows what goes on in {len(projects)} connected projects"
    return found, f"{connect}, or --all in place of --project N"


def version() -> str:
    """Of this program, as it was installed."""
    try:
        return metadata.version(NAME)
    except metadata.PackageNotFoundError:
        return "(not installed)"


def _look_at_studio(services: Services, say: Callable[[str, str], None]) -> None:
    try:
        found, following = reached(services)
    except Exception as error:  # a registry that is away: the server itself tells of that
        log.warning("whether Label Studio answers is not known", why=str(error))
        return
    say("Label Studio", found)
    say("Next", following)
