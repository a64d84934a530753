"""Work on disk, found again after a stop: sampler states between steps, frames of whole windows.

A file holds a seal and then its data. The seal is keyed with the work's own description, so a
damaged file and one of other work look the same: there is nothing, and the work starts again.
"""

import hashlib
import hmac
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from engine.sampling import SamplerState, pack, unpack

SAVE_SECONDS = 1.0
SEAL_BYTES = 32

OnFound = Callable[[], None]


class SealedFiles:
    """The files of one piece of work, by name.

    folder: made when the first file is written. work: describes all that decides the bits.
    on_found: told of each file that can be used.
    """

    def __init__(self, folder: Path, work: str, on_found: OnFound | None = None) -> None:
        self._folder, self._on_found = folder, on_found
        self._key = hashlib.blake2b(work.encode(), digest_size=SEAL_BYTES).digest()

    def read(self, name: str) -> bytes | None:
        """Return what was written under a name, or None if there is nothing that can be used."""
        try:
            sealed = (self._folder / name).read_bytes()
        except OSError:
            return None
        data = sealed[SEAL_BYTES:]
        if not hmac.compare_digest(sealed[:SEAL_BYTES], self._seal(data)):
            return None
        if self._on_found is not None:
            self._on_found()
        return data

    def write(self, name: str, data: bytes) -> None:
        """Write a file whole or not at all; a disk that does not take it costs only that file."""
        path = self._folder / name
        unfinished = path.with_suffix(".tmp")
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            try:
                unfinished.write_bytes(self._seal(data) + data)
                os.replace(unfinished, path)
            finally:    # on a full disk a part of it would be in the way of what is smaller
                unfinished.unlink(missing_ok=True)

    def _seal(self, data: bytes) -> bytes:
        return hashlib.blake2b(data, key=self._key, digest_size=SEAL_BYTES).digest()


class SavedRuns:
    """The sampler states of one piece of work, by the name of the run."""

    def __init__(self, folder: Path, work: str, device: torch.device,
                 on_found: OnFound | None = None) -> None:
        self._files, self._device = SealedFiles(folder, work, on_found), device
        self._unwritten: tuple[str, SamplerState] | None = None
        self._last_written = time.monotonic()

    def find(self, run: str) -> SamplerState | None:
        """Return the last state written of a run, or None if there is none that can be used."""
        data = self._files.read(_file_of(run))
        try:
            tensors = None if data is None else load(data)
        except SafetensorError:
            tensors = None
        if tensors is None:
            return None
        return unpack({name: tensor.to(self._device) for name, tensor in tensors.items()})

    def keep(self, run: str, state: SamplerState, *, is_last: bool) -> None:
        """Write a run's newest state, at most once a second but always its last."""
        self._unwritten = (run, state)
        if is_last or time.monotonic() - self._last_written >= SAVE_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write the newest state now; a disk that does not take it costs only that state."""
        if self._unwritten is None:
            return
        (run, state), self._unwritten = self._unwritten, None
        data = save({name: tensor.cpu() for name, tensor in pack(state).items()})
        self._files.write(_file_of(run), data)
        self._last_written = time.monotonic()


def _file_of(run: str) -> str:
    return f"{run}.state"
