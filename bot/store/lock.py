"""An exclusive lock on a file, held by one process until it ends, however it ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from bot.store.errors import StoreLockedError

if sys.platform == "win32":  # pragma: no cover
    import msvcrt

    def _lock(descriptor: int) -> None:
        # Far behind the text, because Windows refuses to read what is locked.
        os.lseek(descriptor, 1 << 20, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


_MOST_DIGITS: Final = 20


class FileLock:
    """Held from construction on. Raises ``StoreLockedError`` when another process has it, and
    ``OSError`` when the file can't be made. The operating system frees it when the process dies.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(self._descriptor)
        except OSError as error:
            holder = os.pread(self._descriptor, _MOST_DIGITS, 0) if hasattr(os, "pread") else b""
            os.close(self._descriptor)
            raise StoreLockedError(path, holder.decode("ascii", "replace").strip()) from error
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        os.write(self._descriptor, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """The file stays: removing it would let two processes lock two files of one name."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
