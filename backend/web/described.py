"""OpenAPI schemas of the protocol's bodies, which are read by hand, within limits that the framework has not."""

from typing import Any

TEXT, OBJECT = {"type": "string"}, {"type": "object"}
PROJECT = {
    "oneOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": r"^[1-9][0-9]{0,9}(\.[0-9]{1,10})?$"}]
}
TASK = {"type": "object", "properties": {"id": {"type": "integer"}, "data": OBJECT}, "required": ["id", "data"]}
ROWS = {"oneOf": [OBJECT, {"type": "array", "items": OBJECT}]}
REFUSALS = {
    400: "Not JSON",
    401: "Not allowed",
    403: "Not allowed",
    413: "Too large",
    415: "Not JSON",
    422: "Not usable",
}


def _body(required: list[str], **fields: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": fields, "required": required}
    return {
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "responses": {str(status): {"description": words} for status, words in REFUSALS.items()},
    }


SETUP = _body(["project", "schema"], project=PROJECT, schema=TEXT, extra_params={"type": ["object", "string", "null"]})
PREDICT = _body(
    ["tasks", "project"], tasks={"type": "array", "items": TASK}, project=PROJECT, label_config=TEXT, params=OBJECT
)
WEBHOOK = _body(
    ["action", "project"], action=TEXT, project=OBJECT, annotation=ROWS, annotations=ROWS, task=ROWS, tasks=ROWS
)
