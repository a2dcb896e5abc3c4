"""Connecting a project to this backend, and checking that both sides reach each other.

What a person gives now wins over what is stored. It is tried first and stored last: a `connect` that fails changes
nothing here.
"""

from typing import Any

from backend.errors import LabelingConfigError, MicroModelsError, SettingsError, StudioError, StudioForbidden
from backend.loop import probing
from backend.loop.data.known import known
from backend.loop.data.standing import LEFT, PROBLEM
from backend.loop.foresight import media_check
from backend.loop.predict.label_next import TAB, drop_tab, put_tab
from backend.loop.services import Access, Services, stored_access
from backend.password import new_secret
from backend.studio import connection, tabs
from backend.studio.checks import IN_ORDER, UNCERTAIN
from backend.studio.client import Studio
from backend.studio.connection import Check
from backend.studio.prompts import smart_tools
from model_registry import STOPPED, ProjectRecord, accepted_secrets

FRESH = dict.fromkeys((STOPPED, "model_missing_since", PROBLEM, "next_secret", LEFT))
"""What is lifted from a project's settings by a connection that works."""

KEY_MISSING = (
    "Label Studio's address or API key is missing. Give --url and --api-key, or set LABEL_STUDIO_URL and "
    "LABEL_STUDIO_API_KEY; the key is under Account & Settings in Label Studio."
)


def connect_project(
    services: Services,
    project: int,
    backend_url: str,
    group_by: str | None = None,
    title: str | None = None,
    tab: bool | None = None,
    uncertainty: bool | None = None,
) -> list[Check]:
    """Register the backend and its webhook, remember how Label Studio is reached, and check. May be repeated.

    `tab` makes, or removes, the Data Manager's tab "Label next"; `uncertainty` has Label Studio hand out the least certain
    tasks first, and show their scores, or hand them out in their order again. None leaves either as it is. Raises
    SettingsError where the backend that runs at this address keeps its data elsewhere, StudioError and LabelingConfigError
    with the fix.
    """
    url, before = connection.address(backend_url), services.registry.projects.get(project)
    access, row = reached(services, before or ProjectRecord(project))
    services.parse_config(row["label_config"]).require()
    studio = services.connect_studio(access.url, access.key)
    secret = _secret(services, before)
    # Before Label Studio has it: events that carry it are under way as soon as it does. The old one holds until then.
    record = services.registry.projects.configure(project, settings={"next_secret": secret})
    try:
        _refuse_stranger(services, record, url)
        basic_auth, interactive = services.settings.basic_auth, bool(smart_tools(row["label_config"]))
        made = connection.register(
            studio, project, url, title=title, group_by=group_by, basic_auth=basic_auth, interactive=interactive
        )
        connection.finish(studio, project, made, secret)
        if uncertainty is not None:
            _hand_out(studio, project, uncertainty)
    except MicroModelsError:
        _take_back(services, project, before)
        raise
    at = {"url": access.url, "api_key": access.key, "webhook_secret": secret}
    settings = {**FRESH, **at, "backend_id": made.id, "backend_url": made.url, "title": made.title}
    record = services.registry.projects.configure(project, settings=settings)
    services.queue.enqueue_sweep(project)
    return [*_checks(services, studio, record, url), *([] if tab is None else [_tab(services, record, tab)])]


def _secret(services: Services, before: ProjectRecord | None) -> str:
    """What the project's webhook carries: the one that the settings give to all, the one that it has, or a new one."""
    known = accepted_secrets(before.settings if before else {})
    return services.settings.one_secret or next(iter(known), None) or new_secret()


def check_project(services: Services, project: int, backend_url: str) -> list[Check]:
    """What works and what does not between Label Studio and this backend. Changes nothing."""
    record = services.registry.projects.get(project) or ProjectRecord(project)
    try:
        access, _ = reached(services, record)
    except StudioError:
        access = services.access(record)
        if not access:
            if services.registry.projects.all():
                known(services, project)  # beside others that are connected a wrong number is no missing key
            raise
    return _checks(services, services.connect_studio(access.url, access.key), record, backend_url)


def reached(services: Services, project: ProjectRecord) -> tuple[Access, dict[str, Any]]:
    """How the project's Label Studio is reached, and the project's row there: of what the command line, the environment
    and the last connection give, the first that Label Studio takes. Raises what is wrong with the first."""
    given, there, kept = services.given, services.environment, stored_access(project)
    ways = [given.otherwise(there).otherwise(kept), given.otherwise(kept).otherwise(there)]
    problem: StudioError = StudioForbidden(KEY_MISSING)
    for number, access in enumerate(dict.fromkeys(way for way in ways if way)):
        try:
            return access, connection.confirmed(services.connect_studio(access.url, access.key), project.id)
        except StudioError as error:
            problem = problem if number else error
    raise problem


def studio_of(services: Services, project: ProjectRecord) -> Studio:
    """Label Studio as the project reaches it; raises StudioForbidden where address or key is missing."""
    studio = services.studio(project)
    if studio is None:
        raise StudioForbidden(KEY_MISSING)
    return studio


def _checks(services: Services, studio: Studio, record: ProjectRecord, backend_url: str) -> list[Check]:
    secret = record.settings.get("webhook_secret")
    seen = connection.checks(studio, record.id, backend_url, secret)
    if all(check.ok for check in seen if check.name in ("API key", "project", "local files")):
        xml = studio.project(record.id)["label_config"]
        seen += [one for one in (config_check(services, xml), media_check(services, studio, record, xml)) if one]
    return [*seen, probing.judge(services, record, probing.ask(services, record, backend_url))]


def config_check(services: Services, xml: str) -> Check | None:
    """What of a labeling config is learnt, and what is left to people, and why; None where nothing is left to them, or it cannot
    be read."""
    try:
        config = services.parse_config(xml)
    except LabelingConfigError:
        return None
    if not config.unsupported:
        return None
    learnt = ", ".join(repr(one.from_name) for one in config.controls) or "nothing"
    return Check("labeling config", True, f"learnt: {learnt}; left to people: {'; '.join(config.unsupported)}")


def _refuse_stranger(services: Services, record: ProjectRecord, url: str) -> None:
    """Nothing is changed in Label Studio for a backend that would never hear of it."""
    answer = probing.ask(services, record, url)
    if answer.is_stranger:
        found = probing.judge(services, record, answer)
        raise SettingsError(f"{found.message}. {found.fix}")


def _take_back(services: Services, project: int, before: ProjectRecord | None) -> None:
    """A connection that failed leaves nothing behind."""
    if before is None and not services.registry.groups.all(project):
        services.registry.projects.delete(project)
    elif before is None or "next_secret" not in before.settings:
        services.registry.projects.configure(project, settings={"next_secret": None})


def _hand_out(studio: Studio, project: int, least_certain_first: bool) -> None:
    """The order of the button "Label All Tasks"; the scores that it goes by are shown."""
    studio.set_project(project, sampling=UNCERTAIN if least_certain_first else IN_ORDER)
    if least_certain_first:
        tabs.show_scores(studio, project)


def _tab(services: Services, record: ProjectRecord, wanted: bool) -> Check:
    """Make or remove the tab "Label next", which is kept fresh from then on."""
    if not wanted:
        drop_tab(services, record)
        return Check("tab", True, f"there is no tab {TAB!r}")
    return Check("tab", True, f"{TAB!r} is at {put_tab(services, record)}, and renewed with each publication")
