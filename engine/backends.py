"""Where models are and what can evaluate them, by name; light, so that all may offer the choice."""

import logging
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from engine.errors import ModelError

# "auto" is OpenVINO on a CPU where it is installed, and PyTorch, the reference, elsewhere.
# "int8" is OpenVINO with the base's products in whole numbers (quantized.py): less exact, sooner
# where the processor has no bfloat16.
AUTO, PYTORCH, OPENVINO, INT8 = BACKENDS = ("auto", "pytorch", "openvino", "int8")
DEFAULT_HELP = ("what computes on a CPU; default: openvino if it is installed, else pytorch; "
                "int8 is openvino in whole numbers, faster without bfloat16 and less exact")

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
    if backend in (OPENVINO, INT8) and not is_possible:
        raise ModelError(f"The backend {backend} needs the package openvino and --device cpu. "
                         "Install it (pip install openvino), or choose --backend auto.")
    if backend == AUTO and device == "cpu" and not is_possible:
        log.warning("OpenVINO is not installed: PyTorch computes, which takes longer.")
    return backend != PYTORCH and is_possible


def is_quantized(backend: str) -> bool:
    """Tell whether a compiled base computes in int8."""
    if backend == INT8 and find_spec("nncf") is None:
        log.warning("NNCF is not installed (pip install nncf): the backend int8 computes with "
                    "floats, as openvino does, which takes longer.")
        return False
    return backend == INT8
