"""An export as a ZIP that is made while it is read: memory holds one picture, the disk those that are not packed yet."""

import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from backend.datasets.journal import FILE
from backend.errors import MicroModelsError
from backend.loop.export.run import export
from backend.loop.export.wanted import ExportRequest
from backend.loop.services import Services

CHUNK = 1 << 18
"""Bytes of a file that are packed at once."""
PACKED = frozenset({".json", ".jsonl", ".txt", ".csv", ".xml", ".yaml", ".ini", ".bmp", ".tiff"})
"""What becomes smaller; other pictures are compressed already."""
REMARKS = "left out.txt"


def archive(services: Services, wanted: ExportRequest) -> Iterator[bytes]:
    """The bytes of the ZIP, piece by piece. What was left out, and why, stands in a file of it.

    Raises RegistryError, LabelingConfigError, DataSetError at the first piece where nothing can be had.
    """
    remarks = list[str]()
    with TemporaryDirectory(prefix="micro-models-export-") as folder:
        out, written = Path(folder) / "out", _Written()
        with zipfile.ZipFile(written, "w") as packed:  # type: ignore[call-overload]
            steps = export(services, wanted, out, remarks.append).steps
            try:
                for step in steps:
                    for path in step.paths:
                        yield from _packed(packed, path, path.relative_to(out).as_posix(), written)
                        if path.name != FILE:  # the journal is read to the end
                            path.unlink()
            except MicroModelsError as error:
                if not packed.namelist():
                    raise
                # What was sent cannot be taken back: whoever opens the archive must see that it is not whole.
                remarks.append(f"everything from here on: {error}")
            if remarks:
                packed.writestr(REMARKS, "".join(f"{remark}\n" for remark in remarks))
        yield written.taken()


def _packed(packed: zipfile.ZipFile, path: Path, name: str, written: "_Written") -> Iterator[bytes]:
    info = zipfile.ZipInfo(name)
    info.compress_type = zipfile.ZIP_DEFLATED if path.suffix in PACKED else zipfile.ZIP_STORED
    with path.open("rb") as file, closing(packed.open(info, "w", force_zip64=True)) as place:
        while chunk := file.read(CHUNK):
            place.write(chunk)
            if data := written.taken():
                yield data
    yield written.taken()


class _Written:
    """A file that only goes on, from which is taken what was written."""

    def __init__(self) -> None:
        self._data = bytearray()

    def write(self, data: bytes) -> int:
        """As of a file."""
        self._data += data
        return len(data)

    def flush(self) -> None:
        """Nothing waits."""

    def taken(self) -> bytes:
        """What was written since the last time."""
        data = bytes(self._data)
        self._data.clear()
        return data
