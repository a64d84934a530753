"""Where models are and what can evaluate them, by name; light, so that all may offer the choice."""

import logging
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from engine.errors import ModelError

# "auto" is OpenVINO on a CPU where it is installed, and PyTorch, the reference, elsewhere.
AUTO, PYTORCH, OPENVINO = BACKENDS = ("auto", "pytorch", "openvino")
DEFAULT_HELP = "what computes on a CPU; default: openvino if it is installed, else pytorch"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Place:
    """Where models are found besides the shipped one, and what computes: one of BACKENDS."""

    models_directory: Path | None = None
    device: str = "cpu"
    backend: str = AUTO


HERE = Place()


def is_compiled(backend: str, device: str) -> bool:
    """Tell whether OpenVINO evaluates networks. Raises: ModelError if it should and cannot."""
    is_possible = device == "cpu" and find_spec("openvino") is not None
    if backend == OPENVINO and not is_possible:
        raise ModelError("The backend openvino needs the package of that name and --device cpu. "
                         "Install it (pip install openvino), or choose --backend auto.")
    if backend == AUTO and device == "cpu" and not is_possible:
        log.warning("OpenVINO is not installed: PyTorch computes, which takes longer.")
    return backend != PYTORCH and is_possible
