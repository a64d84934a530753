"""The models on this machine: find a model folder, check that it is whole, hash it, describe it.

A model folder holds base/ and perhaps upsampler/, each with config.json and model.safetensors; a
folder with those two files itself is a model without an upsampler. Weights are never loaded here:
a safetensors file says in its first bytes how long it must be.
"""

import hashlib
import json
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.errors import ModelError, RequestError
from engine.vocabulary import Vocabulary, read_vocabulary

SHIPPED = Path(__file__).resolve().parents[1] / "assets"
CONFIG_NAME = "config.json"
WEIGHTS_NAME = "model.safetensors"
MAX_HEADER_BYTES = 100_000_000    # the limit of the format's own reader
LFS_POINTER = b"version https://git-lfs"


@dataclass(frozen=True)
class ModelCard:
    """One usable model.

    folder: the model's folder; base_folder is the same for a folder without base/.
    description: the first paragraph of the folder's README.md, or nothing.
    parameters: numbers in all its weights together.
    """

    name: str
    folder: Path
    base_folder: Path
    upsampler_folder: Path | None
    description: str
    parameters: int

    @property
    def model_hash(self) -> str:
        """The first 12 hex digits of the SHA-256 of configs and weights: all that decides a clip.

        Files are read again only when they changed.
        """
        hashes = [_sha256(stage / name) for stage in self.stage_folders
                  for name in (CONFIG_NAME, WEIGHTS_NAME)]
        return hashlib.sha256("".join(hashes).encode()).hexdigest()[:12]

    @property
    def stage_folders(self) -> tuple[Path, ...]:
        """The folders with weights: the base stage's, and the upsampler's if there is one."""
        return tuple(stage for stage in (self.base_folder, self.upsampler_folder) if stage)

    @property
    def vocabulary(self) -> Vocabulary:
        """What the model has learnt to read; empty if nothing tells."""
        return read_vocabulary(self.base_folder)

    @property
    def window_frames(self) -> int:
        """How many frames the base stage makes at once. Raises: ModelError."""
        return _network(self.base_folder, "frames")

    @property
    def sees_known_frames(self) -> bool:
        """Whether the base network is shown the frames that are given."""
        return bool(_settings(self.base_folder).get("known_frames"))

    @property
    def upsampler_size(self) -> tuple[int, int] | None:
        """How many frames the upsampler makes at once, and their height; None without one.

        Raises: ModelError.
        """
        stage = self.upsampler_folder
        return stage and (_network(stage, "frames"), _network(stage, "height"))

    def need_upsampler(self, advice: str) -> None:
        """Raise RequestError without an upsampler. advice: what to do with this model instead."""
        if self.upsampler_folder is None:
            raise RequestError(f"The model {self.name} has no upsampler: {advice}, or choose a "
                               "model that has one.")


def list_models(models_directory: Path | None = None) -> list[ModelCard]:
    """Return the usable models, shipped ones first, then the user's own, each by name.

    A user's model of a shipped one's name is left out: files name their model, and a shipped name
    must mean the same everywhere. `model_problems` says what is wrong with the unusable ones.
    """
    cards: dict[str, ModelCard] = {}
    for folder in _candidates(models_directory):
        try:
            cards.setdefault(folder.name, _card(folder))
        except ModelError:
            continue
    return list(cards.values())


def model_names(models_directory: Path | None = None) -> list[str]:
    """Return the names of the usable models, in the order of `list_models`."""
    return [card.name for card in list_models(models_directory)]


def model_problems(models_directory: Path | None = None) -> dict[str, str]:
    """Return one sentence by name for every model folder that cannot be used."""
    problems = {}
    for folder in _candidates(models_directory):
        try:
            _card(folder)
        except ModelError as error:
            problems[folder.name] = str(error)
    return problems


def find_model(name_or_folder: str | Path, models_directory: Path | None = None) -> ModelCard:
    """Return the model of a name (shipped, then the user's own) or in a folder.

    Raises: ModelError naming what is missing or damaged and what to do.
    """
    named = [folder for folder in _candidates(models_directory)
             if folder.name == str(name_or_folder)]
    if named:
        return _card(named[0])
    folder = Path(name_or_folder)
    try:
        is_folder = bool(str(name_or_folder).strip()) and folder.is_dir()
    except (OSError, ValueError):
        is_folder = False
    if is_folder:
        return _card(folder.absolute())
    known = ", ".join(model_names(models_directory)) or "none"
    raise ModelError(f"There is no model {str(name_or_folder)[:200]!r}. Known models: {known}. "
                     "Give one of these names or a folder that holds base/config.json and "
                     "base/model.safetensors.")


def _candidates(models_directory: Path | None) -> list[Path]:
    """Return the folders that mean to be models, whole or not: shipped ones first."""
    found = []
    for parent in (SHIPPED, models_directory):
        try:
            folders = sorted(Path(parent).iterdir()) if parent else []
        except OSError as error:
            if parent != SHIPPED:
                raise ModelError(f"The models folder {parent} cannot be read "
                                 f"({error.strerror}); choose another.") from error
            folders = []
        found += [folder for folder in folders if _means_to_be_a_model(folder)]
    return found


def _means_to_be_a_model(folder: Path) -> bool:
    parts = ("base", CONFIG_NAME, WEIGHTS_NAME)
    return folder.is_dir() and any((folder / part).exists() for part in parts)


def _card(folder: Path) -> ModelCard:
    """Check a model folder and describe it. Raises: ModelError."""
    base = folder / "base" if (folder / "base").is_dir() else folder
    upsampler = folder / "upsampler" if (folder / "upsampler").is_dir() else None
    parameters = sum(_checked_stage(stage) for stage in (base, upsampler) if stage)
    if _settings(base).get("condition_channels"):
        raise ModelError(f"{base} holds an upsampler, which only enlarges a base stage's clips: "
                         "choose a folder that holds it as upsampler/ beside a base/.")
    return ModelCard(folder.name, folder, base, upsampler, _description(folder), parameters)


def _checked_stage(folder: Path) -> int:
    """Check one stage's two files. Returns: its parameter count. Raises: ModelError."""
    for name in (CONFIG_NAME, WEIGHTS_NAME):
        if not (folder / name).is_file():
            raise ModelError(f"The model folder {folder} has no {name}: copy it there from where "
                             "the model came from.")
    config = folder / CONFIG_NAME
    try:
        is_object = isinstance(json.loads(config.read_text(encoding="utf-8")), dict)
    except (OSError, ValueError, RecursionError):
        is_object = False
    if not is_object:
        raise ModelError(f"{config} is not a valid model config: copy it again from where the "
                         "model came from.")
    return _parameters(folder / WEIGHTS_NAME)


def _parameters(weights: Path) -> int:
    """Count the numbers in a safetensors file by its header, after checking that it is whole."""
    again = "copy or download it again"
    try:
        size = weights.stat().st_size
        with weights.open("rb") as file:
            start = file.read(24)
            header_bytes = int.from_bytes(start[:8], "little")
            file.seek(8)
            header = file.read(min(header_bytes, MAX_HEADER_BYTES))
    except OSError as error:
        raise ModelError(f"{weights} cannot be read ({error.strerror}); {again}.") from error
    if start.startswith(LFS_POINTER):
        raise ModelError(f"{weights} is only a Git LFS pointer to the weights: run git lfs pull.")
    if 8 <= size < 8 + header_bytes <= 8 + MAX_HEADER_BYTES and start[8:9] == b"{":
        raise ModelError(f"{weights} is cut short inside its header; {again}.")
    try:
        tensors = json.loads(header) if header_bytes <= MAX_HEADER_BYTES else None
        tensors = {name: spec for name, spec in tensors.items() if name != "__metadata__"}
        data_bytes = max((spec["data_offsets"][1] for spec in tensors.values()), default=0)
        count = sum(math.prod(spec["shape"]) for spec in tensors.values())
        expected = 8 + header_bytes + data_bytes
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise ModelError(f"{weights} is not a safetensors file; this program reads no other "
                         "kind of weights, so convert them or choose another model.") from error
    if size != expected:
        change = "cut short" if size < expected else "longer than it says"
        raise ModelError(f"{weights} is {change}: it has {size} bytes and should have {expected}; "
                         f"{again}.")
    return count


def _description(folder: Path) -> str:
    """Return the first paragraph of README.md that is no heading, as one line."""
    try:
        text = (folder / "README.md").read_text(encoding="utf-8", errors="replace")[:10_000]
    except OSError:
        return ""
    paragraphs = (" ".join(part.split()) for part in text.split("\n\n"))
    return next((part[:500] for part in paragraphs if part and part[0] not in "#!|<-`"), "")


def _sha256(path: Path) -> str:
    """Return the SHA-256 of a file, remembered until its size or time changes."""
    try:
        status = path.stat()
        return _sha256_of(path, status.st_size, status.st_mtime_ns)
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror}); copy it again.") from error


def _settings(stage: Path) -> dict[str, Any]:
    """Return what a stage's config says of its network; nothing if it does not describe one."""
    network = json.loads((stage / CONFIG_NAME).read_text(encoding="utf-8")).get("network")
    return network if isinstance(network, dict) else {}


def _network(stage: Path, name: str) -> int:
    """Return one number that a stage's config gives of its network. Raises: ModelError."""
    try:
        return int(_settings(stage)[name])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ModelError(f"{stage / CONFIG_NAME} does not say what {name} the model's clips have: "
                         "copy it again from where the model came from.") from error


@lru_cache(maxsize=64)
def _sha256_of(path: Path, _size: int, _mtime_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
