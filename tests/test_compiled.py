import os
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec

import pytest
import torch

from engine import backends, checkpoint, compiled, stage
from engine.compiled import CompiledNetwork, cache_folder, flat, kept_graph
from engine.errors import ModelError
from engine.model import FIT, Carry, Conditions
from engine.presets import PRESETS
from engine.sampling import KnownFrames
from engine.stage import Given, SampleSettings, Stage, load_stage, unit_noise

TINY = PRESETS["tiny"]
B, L = 2, 5
pytestmark = pytest.mark.skipif(find_spec("openvino") is None, reason="needs OpenVINO")


@pytest.fixture(scope="module")
def network() -> FIT:
    torch.manual_seed(0)
    made = FIT(TINY.network).eval()
    for weights in made.parameters():    # zero nowhere, so that every path says something
        torch.nn.init.normal_(weights, std=0.1)
    return made


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("graphs")


def conditions(kept=(True, False)) -> Conditions:
    g = torch.Generator().manual_seed(3)
    return Conditions(torch.randn(B, L, TINY.network.text_width, generator=g),
                      torch.arange(L).expand(B, L) < 3, torch.tensor(kept),
                      torch.full((B,), 12.0), torch.full((B, 2), 64.0))


def inputs() -> tuple[torch.Tensor, torch.Tensor]:
    g, net = torch.Generator().manual_seed(4), TINY.network
    clip = torch.randn(B, net.input_channels, net.frames, net.height, net.width, generator=g)
    return clip, torch.tensor([0.3, -0.7])


@pytest.mark.parametrize("has_carry", [False, True])
def test_a_compiled_network_is_the_same_function(network, cache, has_carry):
    net, (clip, c_noise) = TINY.network, inputs()
    carry = Carry(torch.randn(B, net.n_latents, net.latent_width),
                  torch.tensor([True, False])) if has_carry else None
    with torch.no_grad():
        expected = network(clip, c_noise, conditions(), carry)
    made = CompiledNetwork(network, cache=cache)(clip, c_noise, conditions(), carry)
    for one, other in zip(made, expected, strict=True):
        assert torch.allclose(one, other, atol=1e-4 * other.abs().max().item())


def test_what_a_compiled_network_returns_stays_when_it_is_asked_again(network, cache):
    fast, (clip, c_noise) = CompiledNetwork(network, cache=cache), inputs()
    first = fast(clip, c_noise, conditions())
    before = [one.clone() for one in first]
    fast(2 * clip, c_noise, conditions())
    assert all(torch.equal(a, b) for a, b in zip(first, before, strict=True))


def flat_inputs(network: FIT) -> dict[str, torch.Tensor]:
    clip, c_noise = inputs()
    latents = torch.zeros(B, network.config.n_latents, network.config.latent_width)
    with torch.no_grad():
        return flat(clip, network.told(c_noise, conditions()),
                    Carry(latents, torch.zeros(B, dtype=torch.bool)))


def test_a_graph_is_traced_once_and_again_when_the_weights_are_others(
        network, tmp_path, monkeypatch):
    traced, trace = [], compiled.traced_graph
    monkeypatch.setattr(compiled, "traced_graph",
                        lambda *args: traced.append(1) or trace(*args))
    kept_graph(network, flat_inputs(network), tmp_path)
    kept_graph(network, flat_inputs(network), tmp_path)
    assert len(traced) == 1
    other = FIT(TINY.network).eval()
    kept_graph(other, flat_inputs(other), tmp_path)
    assert len(traced) == 2 and len(list((tmp_path / "graphs").iterdir())) == 2


def test_a_kept_graph_is_of_use_where_its_folder_cannot_be_touched(
        network, tmp_path, monkeypatch):
    kept_graph(network, flat_inputs(network), tmp_path)

    def refuse(*_):
        raise PermissionError("read-only")

    monkeypatch.setattr(compiled.os, "utime", refuse)
    monkeypatch.setattr(compiled, "traced_graph", lambda *_: pytest.fail("traced anew"))
    kept_graph(network, flat_inputs(network), tmp_path)


def test_a_damaged_graph_is_made_anew_and_old_ones_go(network, tmp_path, monkeypatch):
    monkeypatch.setattr(compiled, "KEPT_GRAPHS", 1)
    kept_graph(network, flat_inputs(network), tmp_path)
    (folder,) = (tmp_path / "graphs").iterdir()
    (folder / compiled.GRAPH).write_text("<net")
    (tmp_path / "graphs" / "older").mkdir()
    os.utime(tmp_path / "graphs" / "older", (1, 1))
    kept_graph(network, flat_inputs(network), tmp_path)
    assert (folder / compiled.GRAPH).stat().st_size > 100
    assert list((tmp_path / "graphs").iterdir()) == [folder]


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(network, tmp_path):
    (tmp_path / "graphs").write_text("a file where the folder should be")
    made = CompiledNetwork(network, cache=tmp_path)(*inputs(), conditions())
    assert made[0].isfinite().all()


def test_the_cache_is_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("SNAPUI_CACHE", str(tmp_path / "here"))
    assert cache_folder() == tmp_path / "here"
    monkeypatch.delenv("SNAPUI_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "there"))
    monkeypatch.setattr(sys, "platform", "linux")
    assert cache_folder() == tmp_path / "there" / "snapui"


def test_compiling_tells_nobody(tmp_path):
    """OpenVINO tells its makers of every import and conversion, unless it is kept from it."""
    code = """
import sys
from importlib.metadata import version
from pathlib import Path
from tests.test_compiled import FIT, TINY, flat_inputs, kept_graph
network = FIT(TINY.network).eval()
kept_graph(network, flat_inputs(network), Path(sys.argv[1]))
version("openvino-telemetry")
assert not [name for name in sys.modules if name.startswith("openvino_telemetry.")]
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_compiled_stage_makes_the_clip_of_the_reference(network):
    settings, shape = SampleSettings(steps=4, guidance=1.0), Stage(TINY).clip_shape
    told = conditions((True, True)).map(lambda values: values[:1])
    made = [Stage(TINY, network, is_compiled=is_compiled).sample(
        unit_noise([1], shape), told, settings) for is_compiled in (False, True)]
    assert torch.allclose(*made, atol=1e-3)


def test_a_gradient_through_a_compiled_stage_is_the_reference_s(network):
    """Reconstruction guidance differentiates, which only PyTorch can."""
    blind = replace(TINY, network=replace(TINY.network, known_frames=False))
    torch.manual_seed(0)
    net, shape = FIT(blind.network).eval(), Stage(blind).clip_shape
    known = KnownFrames(torch.zeros(1, *shape), torch.arange(shape[1]) == 0, weight=2.0)
    told = conditions((True, True)).map(lambda values: values[:1])
    made = [Stage(blind, net, is_compiled=is_compiled).sample(
        unit_noise([1], shape), told, SampleSettings(steps=3), given=Given(known=known))
        for is_compiled in (False, True)]
    assert torch.allclose(*made, atol=1e-3)


def test_the_backend_is_named_and_chosen(network, tmp_path, monkeypatch, caplog):
    checkpoint.write_config(TINY, tmp_path / checkpoint.CONFIG_NAME)
    checkpoint.save_weights(network.state_dict(), tmp_path / checkpoint.WEIGHTS_NAME)
    assert load_stage(tmp_path, backend="auto").backend.startswith("openvino cpu ")
    assert load_stage(tmp_path, backend="pytorch").backend.startswith("pytorch cpu ")
    monkeypatch.setattr(backends, "find_spec", lambda name: None)
    assert load_stage(tmp_path, backend="auto").backend.startswith("pytorch cpu ")
    assert [record.message for record in caplog.records] == [
        "OpenVINO is not installed: PyTorch computes, which takes longer."]
    with pytest.raises(ModelError, match="pip install openvino"):
        load_stage(tmp_path, backend="openvino")


def test_a_backend_for_cpus_is_refused_elsewhere():
    assert not backends.is_compiled("auto", "cuda")
    with pytest.raises(ModelError, match="--device cpu"):
        backends.is_compiled("openvino", "cuda")


def test_bfloat16_is_asked_for_where_it_is_fast(network, monkeypatch):
    monkeypatch.setattr(stage, "has_fast_bfloat16", lambda device: True)
    assert Stage(TINY, network, is_short=True, is_compiled=True).backend == "openvino cpu bfloat16"
    assert Stage(TINY, network, is_compiled=True).backend == "openvino cpu float32"
