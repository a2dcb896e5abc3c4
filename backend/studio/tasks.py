"""Label Studio's API for tasks and their annotations, as far as this product needs it."""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from backend.errors import StudioMissing, StudioUnreachable
from backend.studio.answers import Item, chunks, list_of, object_of
from backend.studio.events import DETAILS
from backend.studio.task_list import TaskList
from backend.studio.transport import StudioHttp

PAGE_SIZE = 100
"""Tasks in one page, with their annotations: below 1 MB where a task has a hundred regions."""
IDS_IN_QUERY = 200
"""Task ids in one filter: below 3 kB of URL, where servers allow 4 to 8."""
TASK_FIELDS = "id,data,annotations,result,was_cancelled,task,updated_at," + ",".join(DETAILS)
"""What is read of a task. Label Studio trims the annotations inside by the same list, so their fields are in it too."""
UPLOAD_CHUNK = 25
"""Files in one upload request."""


class TaskCalls:
    """Calls about tasks, over one HTTP client."""

    http: StudioHttp

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
        for chunk in chunks(files, UPLOAD_CHUNK):
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
        return object_of(self.http.json("POST", f"api/tasks/{task}/annotations/", json=body))

    def existing_tasks(self, project: int, tasks: Iterable[int]) -> set[int]:
        """Those of the tasks that the project still has; raises StudioUnreachable where the answer is not whole."""
        found: set[int] = set()
        for ids in chunks(sorted(set(tasks)), IDS_IN_QUERY):
            chosen = {"filter": "filter:tasks:id", "operator": "in_list", "type": "List", "value": list(ids)}
            found |= {task["id"] for task in self.whole_page(project, [chosen], len(ids), "id")}
        return found

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
        answer = object_of(self.http.json("GET", "api/tasks/", params=page))
        return {**answer, "tasks": list_of(answer.get("tasks"), "a page of tasks")}

    def whole_page(self, project: int, filters: list[Item], size: int, fields: str) -> list[dict[str, Any]]:
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
            row = object_of(self.http.json("GET", path))
        except StudioMissing:
            return False
        return bool(row.get("project", project) == project)
