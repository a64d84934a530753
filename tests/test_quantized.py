"""A base whose products are whole numbers: near the float one, and the same bits every time."""

import sys
from importlib.util import find_spec

import pytest
import torch

from engine import backends, checkpoint, compiled, quantized
from engine.cascade import CALIBRATION, Cascade, Prompts
from engine.compiled import CACHE_VARIABLE
from engine.presets import PRESETS
from engine.quantized import CALIBRATION_STEPS, calibration_states, in_rows
from engine.stage import SampleSettings, Stage
from tests.extension.test_run import Letters, stage

TINY = PRESETS["tiny"]
PROMPTS = Prompts(["a cat running on the beach"], [11], [12.0])
SETTINGS = SampleSettings(steps=3)

# Found, not imported: that would tell its makers.
pytestmark = pytest.mark.skipif(find_spec("nncf") is None, reason="needs NNCF")


@pytest.fixture(autouse=True)
def as_many_threads_as_before():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def floats() -> Cascade:
    base = stage()
    return Cascade(Stage(TINY, base.network, is_compiled=True), None, Letters())


@pytest.fixture(scope="module")
def states(floats) -> list[compiled.Inputs]:
    told = floats.conditions(list(CALIBRATION), list(CALIBRATION.values()))
    return calibration_states(floats.base, told)


@pytest.fixture(scope="module")
def first(floats, tmp_path_factory):
    """A draft whose graph was quantized with one thread, and the cache it is kept in."""
    cache, before = tmp_path_factory.mktemp("int8"), torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv(CACHE_VARIABLE, str(cache))
        draft = floats.quantized().draft(PROMPTS, SETTINGS)
    torch.set_num_threads(before)
    return draft, cache


def test_a_quantized_base_makes_nearly_the_clip_of_the_float_one(floats, first):
    expected = floats.draft(PROMPTS, SETTINGS)
    error = ((first[0] - expected).square().mean() / expected.square().mean()).sqrt()
    assert 0 < error < 0.05


def test_a_graph_quantized_anew_with_other_threads_makes_the_same_bits(
        floats, first, tmp_path, monkeypatch, capfd):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    torch.set_num_threads(2)
    assert torch.equal(floats.quantized().draft(PROMPTS, SETTINGS), first[0])
    assert capfd.readouterr().out == ""
    assert not [name for name in sys.modules if name.startswith("openvino_telemetry.")]


def test_a_kept_graph_is_found_again(floats, first, monkeypatch):
    def never(*args):
        raise AssertionError("quantized again")

    monkeypatch.setenv(CACHE_VARIABLE, str(first[1]))
    monkeypatch.setattr(quantized, "whole_numbers", never)
    again = floats.quantized()
    assert torch.equal(again.draft(PROMPTS, SETTINGS), first[0])
    monkeypatch.setattr(again.base.compiled._quantizer, "name", "of other clips")
    with pytest.raises(AssertionError, match="quantized again"):
        again.draft(PROMPTS, SampleSettings(steps=1, guidance=0.0))


def test_calibration_sees_all_noise_levels_and_known_frames(floats, states):
    assert len(states) == CALIBRATION_STEPS * len(CALIBRATION)
    deviations = [state["video"][:, :3].std().item() for state in states[:CALIBRATION_STEPS]]
    assert len(set(deviations)) == CALIBRATION_STEPS
    shown = [state["video"][:, -1].mean(dim=(0, 2, 3)) for state in states]
    assert all(one.count_nonzero() == 0 for one in shown[:CALIBRATION_STEPS])
    assert all(one.tolist() == [1.0, 0.0, 0.0, 0.0]
               for one in shown[CALIBRATION_STEPS:2 * CALIBRATION_STEPS])


def test_rows_of_states_are_dealt_out_anew(states):
    ones, threes = in_rows(states[:2], 1), in_rows(states[:2], 3)
    assert [len(one["video"]) for one in ones] == [1] * 4
    assert [len(three["kept"]) for three in threes] == [3]
    assert torch.equal(ones[2]["context"][0], states[1]["context"][0])
    assert torch.equal(threes[0]["video"], torch.cat((states[0]["video"], ones[2]["video"])))


def test_a_single_row_is_quantized_too(floats, first, monkeypatch):
    monkeypatch.setenv(CACHE_VARIABLE, str(first[1]))
    unguided = SampleSettings(steps=2, guidance=0.0)
    expected, made = (one.draft(PROMPTS, unguided) for one in (floats, floats.quantized()))
    assert 0 < (made - expected).abs().mean() < 0.05


def test_the_backend_is_named_and_falls_back_where_nncf_is_missing(
        floats, tmp_path, monkeypatch, caplog):
    checkpoint.write_config(TINY, tmp_path / checkpoint.CONFIG_NAME)
    checkpoint.save_weights(floats.base.network.state_dict(), tmp_path / checkpoint.WEIGHTS_NAME)
    assert Cascade.load(tmp_path, None, backend="int8").backend.startswith("openvino cpu int8 ")
    assert not caplog.records
    compiled = Cascade.load(tmp_path, None, backend="openvino").backend
    is_there = backends.find_spec
    monkeypatch.setattr(backends, "find_spec",
                        lambda name: None if name == "nncf" else is_there(name))
    assert Cascade.load(tmp_path, None, backend="int8").backend == compiled
    assert [record.message for record in caplog.records] == [
        "NNCF is not installed (pip install nncf): the backend int8 computes with floats, as "
        "openvino does, which takes longer."]


def test_an_upsampler_keeps_its_floats_and_that_is_said(floats, caplog):
    upsampler = stage(height=24, width=32, n_latents=24, condition_channels=3, known_frames=False,
                      augmented=True)
    made = Cascade(floats.base, upsampler, Letters()).quantized()
    assert made.upsampler is upsampler and made.base.is_quantized
    assert [record.message for record in caplog.records] == [
        "The backend int8 is for drafts: upscaling computes with floats."]
