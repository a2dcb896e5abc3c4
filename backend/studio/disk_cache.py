"""Files kept on disk up to a limit, the least recently used go first."""

import errno
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from backend.cancel import NEVER, CancelToken
from backend.errors import StorageError

ABANDONED_SECONDS = 3600.0
"""Age at which the unfinished file of a killed process is removed."""
NOTE = ".note"
"""Ending of the small file that lies beside a file and goes with it."""
WAIT_SECONDS = 1.0
"""Between two questions whether whoever waits for another thread's fill still wants it."""
LOOK_AGAIN_SHARE = 0.05
"""Share of the limit that this process may add before it looks at what other processes have added."""
OF_THE_DISK = frozenset({
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.EEXIST, errno.ENOTDIR,
})  # fmt: skip
"""Errors that say: full, read-only, not allowed, broken, no folder."""

Fill = Callable[[BinaryIO], bytes | None]
"""Writes a file; the bytes that it gives back are kept as the file's note."""


class DiskCache:
    """Files by key in one folder, of at most `limit_bytes` in all; for any number of threads and processes.

    A file appears whole or not at all: it is written aside and renamed. The folder itself is the only state, so two
    processes need no agreement; a file may be evicted by another process right after `get`, then just get it again.
    """

    def __init__(self, folder: Path, limit_bytes: int, clock: Callable[[], float] = time.time) -> None:
        with _told(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder = folder
        self.limit_bytes = limit_bytes
        self._clock = clock
        self._lock = threading.Lock()
        self._busy: dict[str, tuple[threading.Lock, int]] = {}
        self._unseen = limit_bytes  # bytes added since the folder was last looked through; at first everything

    def get(self, key: str, fill: Fill, cancel: CancelToken = NEVER) -> Path:
        """The file of `key`, filled by `fill` where it is missing; one fill at a time for each key.

        What `fill` returns, if anything, is the file's note. `cancel` is asked while another thread fills; what it
        raises ends the wait. Raises StorageError where the file cannot be written: that is no fault of the file's.
        """
        path = self.path_of(key)
        if self._touch(path):
            return path
        with self._alone(path.name, cancel):
            if not self._touch(path):
                self._write(path, fill)
        return path

    def note(self, key: str) -> tuple[bytes, float] | None:
        """(the note of a file that is here, when it was written), None where there is none."""
        path = self.path_of(key)
        beside = path.with_suffix(NOTE)
        try:
            return (beside.read_bytes(), beside.stat().st_mtime) if path.is_file() else None
        except FileNotFoundError:
            return None

    def write_note(self, key: str, note: bytes) -> None:
        """Put a note beside the file of `key`."""
        path = self.path_of(key)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        self._put(path.with_suffix(NOTE), lambda file: file.write(note))

    def forget(self, key: str) -> None:
        """Delete the file of `key` and its note."""
        path = self.path_of(key)
        path.unlink(missing_ok=True)
        path.with_suffix(NOTE).unlink(missing_ok=True)

    def path_of(self, key: str) -> Path:
        """Where the file of `key` is, or would be."""
        name = sha256(key.encode(errors="surrogatepass")).hexdigest()
        return self.folder / name[:2] / name

    def _touch(self, path: Path) -> bool:
        """Mark as just used; False where it is missing."""
        now = self._clock()
        try:
            os.utime(path, (now, now))
        except FileNotFoundError:
            return False
        except OSError:
            return path.exists()  # a disk that cannot be written can still be read
        return True

    def _write(self, path: Path, fill: Fill) -> None:
        with _told(self.folder):
            path.parent.mkdir(mode=0o700, exist_ok=True)
            notes = list[bytes | None]()
            size = self._put(path, lambda file: notes.append(fill(file)))
            for note in notes:
                if isinstance(note, bytes):
                    self._put(path.with_suffix(NOTE), lambda file, note=note: file.write(note))  # type: ignore[misc]
        self._added(size, path)

    def _put(self, path: Path, write: Callable[[BinaryIO], object]) -> int:
        """Write a file aside and rename it; returns its bytes."""
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
        part = Path(name)
        try:
            with os.fdopen(handle, "w+b") as file:
                write(file)
                size = file.seek(0, os.SEEK_END)
            self._touch(part)
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        return size

    def _added(self, size: int, newest: Path) -> None:
        with self._lock:
            self._unseen += size
            if self._unseen < self.limit_bytes * LOOK_AGAIN_SHARE:
                return
            self._unseen = 0
        self._evict(newest)  # without the lock: a large folder takes a second to look through

    def _evict(self, newest: Path) -> None:
        """Delete the least recently used files until there is room for what may be added before the next look."""
        files = sorted(self._files())
        total = sum(size for _, size, _ in files)
        goal = self.limit_bytes * (1 - LOOK_AGAIN_SHARE)
        for used_at, size, path in files:
            abandoned = path.suffix in (".part", NOTE) and used_at < self._clock() - ABANDONED_SECONDS
            if abandoned or (total > goal and path.suffix != ".part" and path != newest):
                path.unlink(missing_ok=True)
                total -= size
                if path.suffix != ".part":
                    path.with_suffix(NOTE).unlink(missing_ok=True)

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        """(last use, bytes, place) of each file; of the notes, those that no file is left of."""
        with os.scandir(self.folder) as folders:
            names = [folder.path for folder in folders if folder.is_dir(follow_symlinks=False)]
        for name in names:
            with os.scandir(name) as entries:
                found = {entry.name: entry for entry in entries}
            for entry in found.values():
                path = Path(entry.path)
                if path.suffix == NOTE and path.stem in found:
                    continue
                with suppress(FileNotFoundError):  # evicted by another process meanwhile
                    status = entry.stat(follow_symlinks=False)
                    yield status.st_mtime, status.st_size, path

    @contextmanager
    def _alone(self, name: str, cancel: CancelToken) -> Iterator[None]:
        """Hold the lock of one key; locks exist only while somebody wants them."""
        with self._lock:
            lock, wanted = self._busy.get(name, (threading.Lock(), 0))
            self._busy[name] = (lock, wanted + 1)
        try:
            while not lock.acquire(timeout=WAIT_SECONDS):
                cancel.check()
            try:
                yield
            finally:
                lock.release()
        finally:
            with self._lock:
                lock, wanted = self._busy.pop(name)
                if wanted > 1:
                    self._busy[name] = (lock, wanted - 1)


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """Says of a full or read-only disk that it is one, and not that something is wrong with a file."""
    try:
        yield
    except OSError as error:
        if error.errno not in OF_THE_DISK:  # whatever fills the file has errors of its own
            raise
        raise StorageError(
            f"The folder {folder} cannot be written: {error.strerror}. "
            "Expected one that this user may write to, with room; what waits for it is done by itself once it has that."
        ) from error
