"""A network compiled by OpenVINO for the processor it runs on: the same function, sooner.

PyTorch is the reference; this one has no gradients and sees whole clips only. A graph is traced
once for each shape of its inputs and kept on disk, so that only the first start on a machine
waits for it.
"""

import hashlib
import os
import shutil
import sys
import tempfile
import warnings
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor, nn

from engine.model import FIT, Carry, Conditions, Told

if TYPE_CHECKING:
    import openvino

Inputs = dict[str, Tensor]    # what an evaluation is given, by name
GRAPH = "graph.xml"
KEPT_GRAPHS = 12
CACHE_VARIABLE = "SNAPUI_CACHE"


def cache_folder() -> Path:
    """Return where graphs are kept: SNAPUI_CACHE, or snapui in the user's folder for caches."""
    if os.environ.get(CACHE_VARIABLE):
        return Path(os.environ[CACHE_VARIABLE])
    home = Path.home()
    places = {"win32": os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local",
              "darwin": home / "Library" / "Caches"}
    fallback = os.environ.get("XDG_CACHE_HOME") or home / ".cache"
    return Path(places.get(sys.platform, fallback)) / "snapui"


class Quantizer(Protocol):
    """Makes graphs of whole numbers; its name says all that decides them but the float graph."""

    name: str

    def __call__(self, graph: "openvino.Model", inputs: Inputs) -> "openvino.Model":
        """Return a float graph for inputs of these shapes with products in int8."""


class CompiledNetwork:
    """A network's evaluations, compiled when a shape of inputs is first seen.

    is_short: compute in bfloat16. cache: folder where graphs are kept; one that cannot be written
    only costs the next start some seconds, or the minute that a quantizer takes.
    """

    def __init__(self, network: FIT, *, is_short: bool = False, cache: Path | None = None,
                 quantizer: Quantizer | None = None):
        self._network, self._is_short, self._quantizer = network, is_short, quantizer
        self._cache = cache or cache_folder()
        self._requests: dict[tuple, openvino.InferRequest] = {}

    def __call__(self, video: Tensor, c_noise: Tensor, conditions: Conditions,
                 carry: Carry | None = None) -> tuple[Tensor, Tensor]:
        """Evaluate as FIT.forward does, for whole clips (b, k, t, h, w)."""
        inputs = self.inputs(video, c_noise, conditions, carry)
        request = self._request(inputs)
        request.infer([one.numpy() for one in inputs.values()], share_inputs=True)
        output, latents = (torch.from_numpy(request.get_output_tensor(number).data.copy())
                           for number in (0, 1))
        return output, latents

    def inputs(self, video: Tensor, c_noise: Tensor, conditions: Conditions,
               carry: Carry | None = None) -> Inputs:
        """Return what the graph is given in an evaluation."""
        config = self._network.config
        if carry is None:    # a row that keeps nothing adds exact zero
            b = len(video)
            carry = Carry(video.new_zeros(b, config.n_latents, config.latent_width),
                          torch.zeros(b, dtype=torch.bool))
        with torch.no_grad(), torch.autocast("cpu", enabled=False):
            told = self._network.told(c_noise, conditions)
        return flat(video, told, carry)

    def _request(self, inputs: Inputs) -> "openvino.InferRequest":
        shapes = tuple(tuple(one.shape) for one in inputs.values())
        if shapes not in self._requests:
            self._requests[shapes] = self._compile(inputs).create_infer_request()
        return self._requests[shapes]

    def _compile(self, inputs: Inputs) -> "openvino.CompiledModel":
        graph = kept_graph(self._network, inputs, self._cache, self._quantizer)
        return imported().Core().compile_model(graph, "CPU", {
            "INFERENCE_PRECISION_HINT": "bf16" if self._is_short else "f32",
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "PERFORMANCE_HINT": "LATENCY"})


def flat(video: Tensor, told: Told, carry: Carry) -> Inputs:
    """Name the tensors of one evaluation. What it is told is embedded before: rows so few that
    OpenVINO divides their sums among threads, whose number would then decide the bits.
    """
    given = {spec.name: getattr(told, spec.name) for spec in fields(told)}
    tensors = {"video": video, "latents": carry.latents, "kept": carry.kept, **given}
    return {name: one.contiguous() for name, one in tensors.items() if one is not None}


def imported() -> ModuleType:
    """Import OpenVINO without what reports each import and conversion to its makers.

    It comes with a stand-in for where that package is missing.
    """
    reporter = "openvino_telemetry"
    if reporter not in sys.modules:
        sys.modules[reporter] = None
    import openvino
    return openvino


def kept_graph(network: FIT, inputs: Inputs, cache: Path,
               quantizer: Quantizer | None = None) -> "openvino.Model":
    """Return a network's graph for inputs of these shapes, from the disk if it is there.

    A quantized one is made of the float one, which is kept beside it.
    """
    runtime = imported()
    makers = runtime.__version__ + ("" if quantizer is None else f" {quantizer.name}")
    folder = cache / "graphs" / _name(network, inputs, makers)
    with suppress(RuntimeError, OSError):
        graph = runtime.Core().read_model(folder / GRAPH)
        with suppress(OSError):    # of a cache that is only read
            os.utime(folder)    # it was of use
        return graph
    graph = traced_graph(network, inputs) if quantizer is None \
        else quantizer(kept_graph(network, inputs, cache), inputs)
    with suppress(RuntimeError, OSError):
        _keep(graph, folder)
    return graph


def traced_graph(network: FIT, inputs: Inputs) -> "openvino.Model":
    """Follow one evaluation and write down its operations."""
    runtime = imported()
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    with warnings.catch_warnings(), torch.no_grad(), torch.autocast("cpu", enabled=False):
        warnings.simplefilter("ignore")    # of shapes that become constants, as they should
        traced = torch.jit.trace(_Flat(network, list(inputs)).eval(), tuple(inputs.values()),
                                 check_trace=False)
        decoder = TorchScriptPythonDecoder(traced)    # has to live until the graph does
        frontend = FrontEndManager().load_by_framework("pytorch")
        graph = frontend.convert(frontend.load(decoder))
    graph.reshape({entry: runtime.PartialShape(list(one.shape))
                   for entry, one in zip(graph.inputs, inputs.values(), strict=True)})
    return graph


class _Flat(nn.Module):
    """A network as a function of tensors alone, as tracing wants it."""

    def __init__(self, network: FIT, names: list[str]):
        super().__init__()
        self.network, self.names = network, names

    def forward(self, *tensors: Tensor) -> tuple[Tensor, Tensor]:
        given = dict(zip(self.names, tensors, strict=True))
        carry = Carry(given.pop("latents"), given.pop("kept"))
        return self.network.evaluate(given.pop("video"), Told(**given), carry)


def _name(network: FIT, inputs: Inputs, makers: str) -> str:
    """Name a graph after all that decides it: code, configuration, weights and shapes."""
    digest = hashlib.blake2b(f"{makers} {torch.__version__} {network.config}".encode(),
                             digest_size=16)
    for path in sorted(Path(sys.modules[FIT.__module__].__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    for name, weights in network.state_dict().items():
        digest.update(name.encode() + weights.numpy().tobytes())
    digest.update(str([(name, one.dtype, tuple(one.shape))
                       for name, one in inputs.items()]).encode())
    return digest.hexdigest()


def _keep(graph: "openvino.Model", folder: Path) -> None:
    """Write a graph whole or not at all, and drop those that have not been of use for longest."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder, ignore_errors=True)    # one that could not be read
    with tempfile.TemporaryDirectory(dir=folder.parent) as unfinished:
        imported().save_model(graph, Path(unfinished) / GRAPH, compress_to_fp16=False)
        os.replace(unfinished, folder)
    oldest_first = sorted(folder.parent.iterdir(), key=lambda one: one.stat().st_mtime)
    for old in oldest_first[:-KEPT_GRAPHS]:
        shutil.rmtree(old, ignore_errors=True)
