"""The sampler states of one piece of work on disk: written between steps, found again after a stop.

A file holds a seal and then safetensors. The seal is keyed with the work's own description, so a
damaged file and one of other work look the same: there is no state, and the work starts again.
"""

import hashlib
import hmac
import os
import time
from contextlib import suppress
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from engine.sampling import SamplerState, pack, unpack

SAVE_SECONDS = 1.0
SEAL_BYTES = 32


class SavedRuns:
    """The runs of one piece of work, by name.

    folder: made when the first state is written. work: describes all that decides the bits.
    """

    def __init__(self, folder: Path, work: str, device: torch.device) -> None:
        self._folder, self._device = folder, device
        self._key = hashlib.blake2b(work.encode(), digest_size=SEAL_BYTES).digest()
        self._unwritten: tuple[str, SamplerState] | None = None
        self._last_written = time.monotonic()

    def find(self, run: str) -> SamplerState | None:
        """Return the last state written of a run, or None if there is none that can be used."""
        try:
            sealed = self._path(run).read_bytes()
            data = sealed[SEAL_BYTES:]
            if not hmac.compare_digest(sealed[:SEAL_BYTES], self._seal(data)):
                return None
            tensors = load(data)
        except (OSError, SafetensorError):
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
        unfinished = self._path(run).with_suffix(".tmp")
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            unfinished.write_bytes(self._seal(data) + data)
            os.replace(unfinished, self._path(run))
        self._last_written = time.monotonic()

    def _path(self, run: str) -> Path:
        return self._folder / f"{run}.state"

    def _seal(self, data: bytes) -> bytes:
        return hashlib.blake2b(data, key=self._key, digest_size=SEAL_BYTES).digest()
