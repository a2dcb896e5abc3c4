"""Requests that nobody honest sends: what Label Studio and browsers send, bent and broken at random."""

import gzip
import json
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.loop.house import CONFIG

JUNK: list[Any] = [
    None, True, False, 0, -1, 1, 1.5, 2**63, 2**63 - 1, 10**400, -(10**30), 1e308, "", "\x00", "\ud800", "12", "12.1795",
    "１２", "²", "a" * 5000, "../../etc/passwd", "<script>alert(1)</script>", [], {}, [[]], {"id": 1}, [{"id": 1}], [None],
    {"a": {"b": [{}]}}, float("nan"), float("inf"), "2026-11-29T13:00:00Z", "9999-12-31T23:59:59-23:59", "NaN",
    "0001-01-01T00:00:00+23:59", '{"group_by": 5}', CONFIG, "<View>", "<View>" * 2000, "[" * 5000,
    '<!DOCTYPE x [<!ENTITY a "aaaa">]><View>&a;</View>',
]  # fmt: skip
KEYS = ("\x00", "k" * 500, "\ud800", "", "__proto__", "id")
ACTIONS = (
    "ANNOTATION_CREATED", "ANNOTATION_UPDATED", "ANNOTATIONS_CREATED", "ANNOTATIONS_DELETED", "TASKS_CREATED", "TASKS_DELETED",
    "PROJECT_UPDATED", "START_TRAINING", "x", "", None, 5,
)  # fmt: skip
BROKEN = (
    b"", b"[" * 100_000, b'{"a":' * 100_000, b'{"project":' + b"9" * 4400 + b"}", b'\xff\xfe{\x00"\x00', b"\xef\xbb\xbf{}",
    b'{"action":"ANNOTATION_CREATED","project":{"id":1},"annotation":{"id":1,"task":1,"result":' + b'[{"a":' * 900 + b"1"
    + b"}]" * 900 + b"}}", b'{"a":1e999999}', b'{"tasks":[{"id":1.0}],"project":1}', b'{"tasks":[{"id":1e3}],"project":1}',
)  # fmt: skip
NUMBERS = (
    "1",
    "0",
    "-1",
    "9" * 20,
    "abc",
    "1e3",
    "%00",
    "%ff",
    "..%2f..%2fetc",
    "%D9%A1",
    "1%0d%0aX:y",
    "1.0",
    "%ED%A0%80",
)
WORDS = (
    "",
    "a",
    "clip",
    "%00",
    "%ff%fe",
    "%F0%9F%98%80",
    "<script>",
    "%27%22--",
    "a" * 600,
    "%25",
    "%ED%A0%80",
    "..",
    "%2e%2e",
)
FORMS = (
    b"do=train&group=clip", b"do=%ff&group=%00", b"do=pin&number=99999999999&group=clip", b"do=rollback", b"a" * 200_000,
    b"do=pin&group=clip&number=1.0", b"do=unpin&group=nope", b"&&&==", b"do=train&group=" + b"%ED%A0%80" * 50, b"group=\x00",
)  # fmt: skip
TYPES = (
    "text/plain",
    "application/x-www-form-urlencoded",
    "",
    "application/json; charset=utf-16",
    "multipart/form-data",
)
METHODS = ("GET", "GET", "GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE", "PATCH", "FOO")


@dataclass(frozen=True)
class Call:
    """One request."""

    method: str
    path: str
    body: bytes = b""
    kind: str = ""


def call(random: Random) -> Call:
    """Any request."""
    chance = random.random()
    if chance < 0.2:
        return Call(random.choice(METHODS), address(random))
    if chance < 0.28:
        path = f"/projects/{random.choice(NUMBERS)}/actions"
        return Call("POST", path, random.choice(FORMS), "application/x-www-form-urlencoded")
    path = random.choice(["/webhook"] * 5 + ["/predict"] * 3 + ["/setup"] * 2)
    kind = "application/json" if random.random() < 0.95 else random.choice(TYPES)
    return Call("POST", path, body(path, random), kind)


def address(random: Random) -> str:
    """A path with a query."""
    number, word = (lambda: random.choice(NUMBERS)), (lambda: random.choice(WORDS))
    return random.choice(
        [
            f"/status?project={number()}", "/metrics", "/versions", "/health", "/", f"/projects/{number()}", "/openapi.json",
            f"/projects/1?search={word()}&sort={word()}&page={number()}&descending={number()}&part={word()}",
            f"/projects/1/groups/{word()}?page={number()}&part={word()}", f"/projects/1/groups/?name={word()}",
            f"/projects/1/tasks/{number()}/thumbnail?v={word()}", f"/static/{word()}", f"/{word()}", "//evil.example",
        ]
    )  # fmt: skip


def body(path: str, random: Random) -> bytes:
    """What is posted there: bent values mostly, bent bytes, or something else altogether."""
    chance = random.random()
    if chance < 0.8:
        return dumps(bend(honest(path, random), random))
    if chance < 0.9:
        return break_bytes(dumps(honest(path, random)), random)
    if chance < 0.93:
        return gzip.compress(dumps(honest(path, random)))
    return random.choice([*BROKEN, random.randbytes(random.randrange(3000)), dumps(random.choice(JUNK))])


def honest(path: str, random: Random) -> dict[str, Any]:
    """What Label Studio sends there."""
    task = random.randrange(1, 7)
    data = {"image": f"/data/local-files/?d={task}.png", "video": "clip", "frame": task}
    if path == "/predict":
        params = {"context": {"result": []}}
        return {"tasks": [{"id": task, "data": data}], "project": "1.1795", "label_config": CONFIG, "params": params}
    if path == "/setup":
        return {"project": "1.1795", "schema": CONFIG, "access_token": "token", "extra_params": {"group_by": "video"}}
    region = {
        "id": "r", "from_name": "label", "to_name": "image", "type": "rectanglelabels", "original_width": 64,
        "original_height": 48, "value": {"x": 1, "y": 2, "width": 3, "height": 4, "rectanglelabels": ["square"]},
    }  # fmt: skip
    row = {"id": 500 + task, "task": task, "result": [region], "updated_at": "2026-11-29T00:00:00Z", "completed_by": 1}
    project = {"id": random.choice([1, 1, 1, 2]), "label_config": CONFIG}
    return {
        "action": random.choice(ACTIONS), "project": project, "annotation": row, "task": {"id": task, "data": data},
        "tasks": [{"id": task, "data": data}], "annotations": [{"id": 500 + task}],
    }  # fmt: skip


def bend(value: Any, random: Random, chance: float = 0.15) -> Any:
    """The value with something else in some places."""
    if random.random() < chance:
        return random.choice(JUNK)
    if isinstance(value, dict):
        kept = [
            (k if random.random() > 0.02 else random.choice(KEYS), v)
            for k, v in value.items()
            if random.random() > 0.03
        ]
        return {k: bend(v, random, chance * 0.7) for k, v in kept}
    if isinstance(value, list):
        return [bend(v, random, chance * 0.7) for v in value] * random.choice([1, 1, 1, 2, 50])
    return value


def break_bytes(raw: bytes, random: Random) -> bytes:
    """The bytes with some others among them, some left out, or an end too early."""
    broken = bytearray(raw)
    for _ in range(random.randrange(1, 12)):
        at = random.randrange(len(broken) + 1)
        match random.randrange(4):
            case 0:
                broken[at : at + 1] = bytes([random.randrange(256)])
            case 1:
                del broken[at : at + random.randrange(8)]
            case 2:
                broken[at:at] = random.choice(
                    [b"\\ud800", b"\\u0000", b"\x00", b'"', b"}", b"[", b"9" * 30, b"-", b"e9999"]
                )
            case _:
                broken = broken[: max(at, 1)]
    return bytes(broken)


def dumps(value: Any) -> bytes:
    """As JSON, with all that Python's writer lets through."""
    return json.dumps(value).encode()
