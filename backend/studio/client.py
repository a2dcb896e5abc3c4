"""Label Studio's API, as far as this product needs it."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import httpx
from label_studio_sdk.client import LabelStudio

from backend.errors import StudioError, StudioForbidden, StudioMissing, StudioUnreachable
from backend.studio import patience
from backend.studio.events import DETAILS
from backend.studio.task_list import TaskList
from backend.studio.transport import ADDRESS_FIX, StudioHttp

IMPORT_CHUNK = 200
"""Predictions in one import request: 0.3-1 s of Label Studio's time, well under any proxy's timeout."""
PAGE_SIZE = 100
"""Tasks in one page, with their annotations: below 1 MB where a task has a hundred regions."""
IDS_IN_QUERY = 200
"""Task ids in one filter: below 3 kB of URL, where servers allow 4 to 8."""
UPDATES_AT_ONCE = 4
"""Label Studio takes 82 ms for one update after the other and 38 ms with four at a time; more gains nothing."""
TASK_FIELDS = "id,data,annotations,result,was_cancelled,task,updated_at," + ",".join(DETAILS)
"""What is read of a task. Label Studio trims the annotations inside by the same list, so their fields are in it too."""
UPLOAD_CHUNK = 25
"""Files in one upload request."""

Item = Mapping[str, Any]
T = TypeVar("T")


class Studio:
    """One Label Studio, reached with one API key. Thread-safe.

    Resources are read and written through label-studio-sdk; what it has no method for, or wraps in pages that grow with
    the project, goes over the same HTTP client.
    """

    def __init__(
        self,
        url: str,
        api_key: str,
        *,
        timeout: float = 60.0,
        connect_timeout: float = 5.0,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = patience.pause,
        certificates: Path | None = None,
    ) -> None:
        """`certificates`: a PEM file of the authorities to trust in place of the usual ones."""
        limits = httpx.Timeout(timeout, connect=connect_timeout)
        self.http = StudioHttp(
            url, api_key, timeout=limits, transport=transport, clock=clock, sleep=sleep, certificates=certificates
        )
        # The SDK would put `api_key` on requests itself, without the exchange under a path prefix; ours replaces it.
        self._sdk = LabelStudio(  # type: ignore[no-untyped-call]
            base_url=str(self.http.base), api_key="set by StudioAuth", httpx_client=self.http.httpx, max_retries=0
        )

    @property
    def url(self) -> str:
        """Label Studio's address, without a slash at the end."""
        return str(self.http.base).rstrip("/")

    def close(self) -> None:
        """Close the connections."""
        self.http.close()

    # -- who and what
    def whoami(self) -> dict[str, Any]:
        """The API key's user: the cheapest request that shows whether the key is good."""
        return _mapping(self.http.json("GET", "api/current-user/whoami"))

    def version(self) -> str:
        """Label Studio's version, empty where it does not say."""
        return str(_mapping(self.http.json("GET", "api/version")).get("release", ""))

    # -- projects
    def project(self, project: int) -> dict[str, Any]:
        """The project's row, with `label_config`, `title` and `model_version`."""
        row = _mapping(self.http.json("GET", f"api/projects/{project}/"))
        if row.get("id") != project or not isinstance(row.get("label_config"), str):
            raise StudioUnreachable(f"Asked for project {project}, got {str(row)[:200]}. {ADDRESS_FIX}")
        return row

    def projects(self) -> Iterator[dict[str, Any]]:
        """All projects that the key's user may see; raises StudioUnreachable where the list is not whole."""
        page, found = {"page": 1, "page_size": PAGE_SIZE}, 0
        while True:
            answer = _mapping(self.http.json("GET", "api/projects/", params=page))
            rows = _rows(answer.get("results"), "a list of projects")
            found += len(rows)
            yield from rows
            if not answer.get("next"):
                break
            page["page"] += 1
        if answer.get("count", found) != found:
            raise StudioUnreachable(f"Label Studio's list has {found} projects of {answer['count']}. Try again later.")

    def lists_project(self, project: int) -> bool:
        """Whether the project is among those that the key's user may see."""
        return any(row.get("id") == project for row in self.projects())

    def create_project(self, title: str, label_config: str, **fields: Any) -> dict[str, Any]:
        """A new project."""
        body = {"title": title, "label_config": label_config, **fields}
        return _mapping(self.http.json("POST", "api/projects/", json=body))

    def set_project(self, project: int, **fields: Any) -> dict[str, Any]:
        """Change fields of a project."""
        return _mapping(self.http.json("PATCH", f"api/projects/{project}/", json=fields))

    # -- tasks
    def tasks(self, project: int, page_size: int = PAGE_SIZE) -> TaskList:
        """All tasks by id, each with `data` and its full `annotations`, read page by page."""

        def page_after(last: int) -> dict[str, Any]:
            after = {"filter": "filter:tasks:id", "operator": "greater", "type": "Number", "value": last}
            return self._task_page(project, [after], page_size, TASK_FIELDS, ordering=["tasks:id"])

        return TaskList(project, page_size, page_after)

    def has_task(self, project: int, task: int) -> bool:
        """Whether the project has the task, asked for by itself."""
        return self._is_of(project, f"api/tasks/{task}/")

    def has_annotation(self, project: int, annotation: int) -> bool:
        """Whether the project has the annotation, asked for by itself."""
        return self._is_of(project, f"api/annotations/{annotation}/")

    def create_tasks(self, project: int, data: Sequence[Item], meta: Item | None = None) -> list[int]:
        """One task for each data object, each with `meta`; their ids in the same order."""
        body = [{"data": dict(item), **({"meta": dict(meta)} if meta else {})} for item in data]
        answer = self.http.json("POST", f"api/projects/{project}/import?return_task_ids=true", json=body)
        return [int(task) for task in answer["task_ids"]]

    def metas(self, project: int, field: str, value: str) -> list[dict[str, Any]]:
        """`meta` of the first tasks, at most a page, whose data field is exactly `value`."""
        chosen = {"filter": f"filter:tasks:data.{field}", "operator": "equal", "type": "String", "value": value}
        rows = self._task_page(project, [chosen], PAGE_SIZE, "id,data,meta")["tasks"]
        return [row.get("meta") or {} for row in rows if (row.get("data") or {}).get(field) == value]

    def upload(
        self, project: int, files: Sequence[Path], told: Callable[[int, int | None], None] = lambda done, of: None
    ) -> list[str]:
        """Upload files; the URL of each to put into a task's data, in the same order. `told` hears how many are there."""
        urls: list[str] = []
        for chunk in _chunks(files, UPLOAD_CHUNK):
            told(len(urls), len(files))
            body = {f"file{n:04d}": (path.name, path.read_bytes()) for n, path in enumerate(chunk)}
            answer = self.http.json("POST", f"api/projects/{project}/import?commit_to_project=false", files=body)
            ids = answer["file_upload_ids"]
            rows = self.http.json("GET", f"api/projects/{project}/file-uploads", params={"ids": json.dumps(ids)})
            where = {row["id"]: row["file"] for row in rows}
            urls += ["/data/" + where[upload].lstrip("/") for upload in ids]
        return urls

    def annotate(self, task: int, result: Sequence[Item], **fields: Any) -> dict[str, Any]:
        """Submit an annotation as the API key's user would (the demo's five labels)."""
        body = {"result": list(result), **fields}
        return _mapping(self.http.json("POST", f"api/tasks/{task}/annotations/", json=body))

    # -- predictions
    def predictions_of(self, project: int, tasks: Iterable[int], model_version: str) -> dict[int, list[int]]:
        """Ids of the predictions of this version by task, oldest first; tasks without one are left out.

        Raises StudioUnreachable where the answer is not whole: taken for "no prediction" it would make doubles.
        """
        found: dict[int, list[int]] = {}
        for ids in _chunks(sorted(set(tasks)), IDS_IN_QUERY):
            chosen = {"filter": "filter:tasks:id", "operator": "in_list", "type": "List", "value": list(ids)}
            versions = "filter:tasks:predictions_model_versions"
            ours = {"filter": versions, "operator": "contains", "type": "List", "value": [model_version]}
            for task in self._whole_page(project, [chosen, ours], len(ids), "id,predictions"):
                rows = [p["id"] for p in task["predictions"] if p["model_version"] == model_version]
                if rows:
                    found[task["id"]] = sorted(rows)
        return found

    def import_predictions(self, project: int, items: Sequence[Item]) -> list[Item]:
        """Store predictions; gives back those that Label Studio refused, for instance of a task deleted meanwhile.

        Each item is `{"task", "result", "score", "model_version"}`. Label Studio refuses a whole request for one bad
        item, so after a refusal the items of missing tasks are taken out, and if that was not it, the rest is halved
        until the bad items are alone.
        """
        refused: list[Item] = []
        for chunk in _chunks(items, IMPORT_CHUNK):
            left_out = self._import(project, chunk)
            if left_out is None:
                there = self.existing_tasks(project, [item["task"] for item in chunk])
                refused += [item for item in chunk if item["task"] not in there]
                left_out = self._import_halved(project, [item for item in chunk if item["task"] in there])
            refused += [item for item in left_out if not self._created(item)]
        return refused

    def update_prediction(self, prediction: int, item: Item) -> None:
        """Renew a stored prediction in place; raises StudioMissing when somebody has deleted it."""
        body = {key: item[key] for key in ("result", "score", "model_version") if key in item}
        self.http.json("PATCH", f"api/predictions/{prediction}/", json=body)

    def update_predictions(self, items: Mapping[int, Item]) -> list[int]:
        """Renew many stored predictions, several at a time; ids of those that do not exist any more or were refused."""

        def update(pair: tuple[int, Item]) -> int | None:
            try:
                self.update_prediction(*pair)
            except StudioError as error:
                # Only an answer about this prediction is its own fault: a lost key or server is not.
                if type(error) not in (StudioError, StudioMissing):
                    raise
                return pair[0]
            return None

        with ThreadPoolExecutor(UPDATES_AT_ONCE, thread_name_prefix="update") as pool:
            return [gone for gone in pool.map(update, items.items()) if gone is not None]

    def has_prediction(self, project: int, task: int, model_version: str) -> bool:
        """Whether the task has a prediction of this version, asked for by itself."""
        try:
            rows = self.http.json("GET", "api/predictions/", params={"project": project, "task": task})
        except (StudioUnreachable, StudioForbidden):
            raise
        except StudioError:  # of a task or project that is gone it says that the choice is not valid
            return False
        return any(row.get("model_version") == model_version for row in _rows(rows, "a list of predictions"))

    def existing_tasks(self, project: int, tasks: Iterable[int]) -> set[int]:
        """Those of the tasks that the project still has; raises StudioUnreachable where the answer is not whole."""
        found: set[int] = set()
        for ids in _chunks(sorted(set(tasks)), IDS_IN_QUERY):
            chosen = {"filter": "filter:tasks:id", "operator": "in_list", "type": "List", "value": list(ids)}
            found |= {task["id"] for task in self._whole_page(project, [chosen], len(ids), "id")}
        return found

    # -- backends, webhooks, tabs, storages
    def backends(self, project: int) -> list[dict[str, Any]]:
        """The ML backends of a project, first the one that predicts. Label Studio calls each of them for this.

        Raises StudioUnreachable for an answer that is no list of backends: it must not pass for "there are none".
        """
        rows = self.http.json("GET", "api/ml/", params={"project": project})
        return _rows(rows, "a list of ML backends", "id", "url", "title")

    def connect_backend(self, project: int, url: str, title: str, **fields: Any) -> dict[str, Any]:
        """Register an ML backend; Label Studio calls its /health and /setup before it answers."""
        body = {"project": project, "url": url, "title": title, **fields}
        return _mapping(self.http.json("POST", "api/ml", json=body))

    def set_backend(self, backend: int, **fields: Any) -> dict[str, Any]:
        """Change fields of a registered ML backend."""
        return _mapping(self.http.json("PATCH", f"api/ml/{backend}", json=fields))

    def remove_backend(self, backend: int) -> None:
        """What 'Delete' on the Model page does. Its webhook stays."""
        self.http.json("DELETE", f"api/ml/{backend}")

    def start_training(self, backend: int) -> None:
        """What the 'Start training' button does."""
        self.http.json("POST", f"api/ml/{backend}/train", json={})

    def webhooks(self, project: int) -> list[dict[str, Any]]:
        """The webhooks of a project, with their headers."""
        rows = self.http.json("GET", "api/webhooks/", params={"project": project})
        return _rows(rows, "a list of webhooks", "id", "url")

    def remove_webhook(self, webhook: int) -> None:
        """Have Label Studio call it no more."""
        self.http.json("DELETE", f"api/webhooks/{webhook}/")

    def put_webhook(self, project: int, url: str, headers: Mapping[str, str]) -> dict[str, Any]:
        """Make sure that exactly one webhook of the project calls `url`: for every event, with `headers`."""
        body = {"url": url, "send_payload": True, "send_for_all_actions": True, "is_active": True}
        same = [hook for hook in self.webhooks(project) if hook["url"].rstrip("/") == url.rstrip("/")]
        for extra in same[1:]:
            self.remove_webhook(extra["id"])
        if not same:
            body |= {"project": project, "headers": dict(headers)}
            return _mapping(self.http.json("POST", "api/webhooks/", json=body))
        body["headers"] = {**(same[0]["headers"] or {}), **headers}
        return _mapping(self.http.json("PATCH", f"api/webhooks/{same[0]['id']}/", json=body))

    def views(self, project: int) -> list[dict[str, Any]]:
        """The tabs of the project's Data Manager."""
        return _rows(self.http.json("GET", "api/dm/views/", params={"project": project}), "a list of tabs", "id")

    def local_storages(self, project: int) -> list[dict[str, Any]]:
        """The import storages of a project that serve local files."""
        rows = self.http.json("GET", "api/storages/localfiles/", params={"project": project})
        return [dict(row) for row in rows]

    # -- helpers
    def _task_page(
        self, project: int, filters: list[Item], size: int, fields: str, ordering: Sequence[str] = ()
    ) -> dict[str, Any]:
        query = {"filters": {"conjunction": "and", "items": filters}, "ordering": list(ordering)}
        page = {
            "project": project,
            "page": 1,
            "page_size": size,
            "fields": "all",
            "include": fields,
            "resolve_uri": "false",  # the raw value, as /predict and webhooks carry it
            "query": json.dumps(query),
        }
        answer = _mapping(self.http.json("GET", "api/tasks/", params=page))
        return {**answer, "tasks": _rows(answer.get("tasks"), "a page of tasks")}

    def _whole_page(self, project: int, filters: list[Item], size: int, fields: str) -> list[dict[str, Any]]:
        """All tasks that match, which are `size` at most."""
        answer = self._task_page(project, filters, size, fields)
        rows: list[dict[str, Any]] = answer["tasks"]
        if answer.get("total") != len(rows):
            raise StudioUnreachable(
                f"Label Studio's list has {len(rows)} tasks of {answer.get('total')!r}. Nothing is concluded from it; "
                "the same is asked again later."
            )
        return rows

    def _is_of(self, project: int, path: str) -> bool:
        try:
            row = _mapping(self.http.json("GET", path))
        except StudioMissing:
            return False
        return bool(row.get("project", project) == project)

    def _import(self, project: int, items: Sequence[Item]) -> list[Item] | None:
        """Those of the items that were left out without a word, as 1.22 does with every brush mask; None where Label Studio
        refused them all."""
        try:
            answer = self.http.json("POST", f"api/projects/{project}/import/predictions", json=[dict(i) for i in items])
        except StudioError as error:
            # Only an answer about the content counts as refusal: a lost key or server is not the items' fault.
            if type(error) is not StudioError:
                raise
            return None
        created = answer.get("created") if isinstance(answer, dict) else None
        if not isinstance(created, int) or created >= len(items):
            return []
        if not created:
            return list(items)
        # Asked one by one: a list that lacks a prediction would have the task get a second one.
        return [item for item in items if not self.has_prediction(project, item["task"], item["model_version"])]

    def _import_halved(self, project: int, items: Sequence[Item]) -> list[Item]:
        """Those of the items that Label Studio refused or left out."""
        if not items:
            return []
        left_out = self._import(project, items)
        if left_out is not None:
            return left_out
        if len(items) == 1:
            return [items[0]]
        half = len(items) // 2
        return self._import_halved(project, items[:half]) + self._import_halved(project, items[half:])

    def _created(self, item: Item) -> bool:
        """Whether Label Studio takes an item by itself, where its import did not."""
        try:
            self.http.json("POST", "api/predictions/", json=dict(item))
        except StudioMissing:  # its task is gone meanwhile
            return False
        except StudioError as error:
            if type(error) is not StudioError:
                raise
            return False
        return True


def _mapping(answer: Any) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise StudioUnreachable(
            f"Label Studio answered {type(answer).__name__}, expected an object. Is it version 1.20 or newer?"
        )
    return answer


def _rows(answer: Any, what: str, *keys: str) -> list[dict[str, Any]]:
    """A list of objects with these keys, as Label Studio gives it."""
    if not isinstance(answer, list) or not all(isinstance(row, dict) and row.keys() >= set(keys) for row in answer):
        raise StudioUnreachable(f"Label Studio answered {str(answer)[:200]}, expected {what}. {ADDRESS_FIX}")
    return answer


def _chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
