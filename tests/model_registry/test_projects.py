from model_registry import Lease, ProjectRecord, Registry
from tests.model_registry.conftest import label, task
from tests.model_registry.workers import begin


def test_unknown_project(registry: Registry) -> None:
    assert registry.projects.get(1) is None
    assert registry.projects.all() == []
    registry.projects.delete(1)
    registry.projects.mark_synced(1, 5.0)
    assert registry.projects.get(1) is None


def test_seen_makes_it_once(registry: Registry) -> None:
    assert registry.projects.seen(7) == ProjectRecord(7) == registry.projects.seen(7) == registry.projects.get(7)


def test_configure_merges_settings_and_none_removes(registry: Registry) -> None:
    assert registry.projects.configure(1, "<View/>", {"a": 1, "b": {"c": [2]}}).config == "<View/>"
    record = registry.projects.configure(1, settings={"a": None, "d": True})
    assert (record.config, record.settings) == ("<View/>", {"b": {"c": [2]}, "d": True})
    assert registry.projects.configure(1, "").config == ""


def test_mark_synced(registry: Registry) -> None:
    registry.projects.seen(1)
    registry.projects.mark_synced(1, 12.25)
    assert registry.projects.seen(1).synced_at == 12.25


def test_delete_takes_all_of_the_project_and_nothing_else(registry: Registry) -> None:
    for project in (1, 2):
        registry.record_event(project, [task(project, project=project)], [label(project, project)], "r", None)
    registry.leases.take(Lease(1, "a", "me"), 60)
    first = begin(registry)
    registry.projects.delete(1)
    assert [project.id for project in registry.projects.all()] == [2]
    assert [(group.project, group.labelled) for group in registry.groups.all()] == [(2, 1)]
    assert (registry.tasks.ids(1), registry.labels.known(1), registry.versions.get(first.id)) == (set(), {}, None)
    registry.record_event(1, [task(1)], [label(1, 1)], "r", None)
    registry.leases.take(Lease(1, "a", "me"), 60)
    assert begin(registry).id > first.id  # never given twice, caches are keyed by it
