import json
from dataclasses import replace

import pytest
import torch

from engine import checkpoint, precision
from engine.catalog import SHIPPED
from engine.errors import Cancelled, ModelError
from engine.model import Conditions
from engine.presets import PRESETS
from engine.sampling import SOLVERS, KnownFrames, guided, sigmas
from engine.stage import Given, SampleSettings, Stage, Watch, load_stage, unit_noise

TINY = PRESETS["tiny"]
SETTINGS = SampleSettings(steps=3)


@pytest.fixture(scope="module")
def stage() -> Stage:
    torch.manual_seed(0)
    made = Stage(TINY)
    for p in made.network.parameters():  # not zero anywhere, so that self-conditioning acts
        torch.nn.init.normal_(p, std=0.1) if p.ndim == 1 else None
    return made


def conditions(b: int) -> Conditions:
    g = torch.Generator().manual_seed(3)
    tokens = torch.randn(1, 5, TINY.network.text_width, generator=g).expand(b, -1, -1)
    return Conditions(tokens, torch.ones(b, 5, dtype=torch.bool), torch.ones(b, dtype=torch.bool),
                      torch.full((b,), 12.0), torch.full((b, 2), 64.0))


def test_zero_network_gives_exactly_c_skip_times_x(stage):
    silent = Stage(TINY)
    torch.nn.init.zeros_(silent.network.head.to_pixels.weight)
    torch.nn.init.zeros_(silent.network.head.to_pixels.bias)
    x, sigma = torch.randn(2, *stage.clip_shape), torch.tensor([0.3, 5.0])
    denoised, _ = silent.denoise(x, sigma, conditions(2))
    skip = silent.preconditioning.c_skip(sigma)[:, None, None, None, None]
    assert torch.equal(denoised, skip * x)


def test_a_silent_upsampler_that_draws_detail_gives_its_low_resolution_clip():
    stage = Stage(replace(TINY, detail=0.1, network=replace(
        TINY.network, condition_channels=3, known_frames=False, augmented=True)))
    torch.nn.init.zeros_(stage.network.head.to_pixels.weight)
    torch.nn.init.zeros_(stage.network.head.to_pixels.bias)
    low, told = 0.5 * torch.randn(1, *stage.clip_shape), conditions(1).corrupted_by(0.0)
    made = stage.sample(unit_noise([1], stage.clip_shape), told,
                        replace(SETTINGS, guidance=0.0, threshold=False), given=Given(low))
    assert (made - low).abs().mean() < 0.2 * low.abs().mean()


def test_an_upsampler_starts_from_its_low_resolution_clip_in_noise(monkeypatch):
    stage = Stage(replace(TINY, sigma_max=0.5, network=replace(
        TINY.network, condition_channels=3, known_frames=False, augmented=True)))
    seen = []
    monkeypatch.setattr(stage, "denoise", lambda x, *_: (seen.append(x) or 0 * x, x))
    noise, low = unit_noise([1], stage.clip_shape), torch.randn(1, *stage.clip_shape)
    stage.sample(noise, conditions(1).corrupted_by(0.0), replace(SETTINGS, guidance=0.0),
                 given=Given(low))
    torch.testing.assert_close(seen[0], low / stage.preconditioning.sigma_in + 0.5 * noise)


def test_sampling_goes_from_the_stage_s_highest_noise_level_to_its_lowest(monkeypatch):
    seen, high = [], Stage(replace(TINY, sigma_max=7.0, sigma_min=0.01))
    monkeypatch.setattr(high, "denoise", lambda x, sigma, *_: (seen.append(sigma) or 0 * x, x))
    high.sample(unit_noise([1], high.clip_shape), conditions(1), replace(SETTINGS, guidance=0.0))
    assert seen[0].item() == pytest.approx(7.0) and seen[-1].item() == pytest.approx(0.01)
    with pytest.raises(ValueError, match="sigma_max"):
        replace(TINY, sigma_max=0.01, sigma_min=0.01)


@pytest.mark.parametrize("sampler", list(SOLVERS))
@pytest.mark.parametrize("guidance", [0.0, 3.0])
def test_same_seed_gives_the_same_bits(stage, sampler, guidance):
    settings = replace(SETTINGS, sampler=sampler, guidance=guidance)
    one, two = (stage.sample(unit_noise([7], stage.clip_shape), conditions(1), settings)
                for _ in range(2))
    assert torch.equal(one, two)
    assert one.isfinite().all() and one.abs().max() <= 1 + 1e-6


@pytest.mark.parametrize("sampler", list(SOLVERS))
@pytest.mark.parametrize("guidance", [0.0, 3.0])
def test_known_frames_come_out_bit_for_bit_and_steer_the_others(stage, sampler, guidance):
    settings = replace(SETTINGS, sampler=sampler, guidance=guidance)
    noise = unit_noise([7], stage.clip_shape)
    mask = torch.tensor([True, False, False, True])
    known = KnownFrames(unit_noise([8], stage.clip_shape).clamp(-1, 1), mask, weight=5.0)
    one, replaced = (stage.sample(noise, conditions(1), settings,
                                  given=Given(known=replace(known, weight=weight)))
                     for weight in (5.0, 0.0))
    for clip in (one, replaced):
        assert torch.equal(clip[:, :, mask], known.clip[:, :, mask])
        assert clip.isfinite().all() and not clip.requires_grad
    assert not torch.allclose(one[:, :, ~mask], replaced[:, :, ~mask], atol=1e-4)


def test_a_network_that_takes_known_frames_sees_them_and_which_they_are(stage, monkeypatch):
    known = KnownFrames(unit_noise([8], stage.clip_shape), torch.tensor([0, 1, 0, 1]).bool(), 0.0)
    seen, forward = [], stage.network.forward
    monkeypatch.setattr(stage.network, "forward",
                        lambda video, *rest: seen.append(video) or forward(video, *rest))
    stage.sample(unit_noise([7], stage.clip_shape), conditions(1), SETTINGS,
                 given=Given(known=known))
    for branch in seen[0]:
        assert torch.equal(branch[3:6, [1, 3]], known.clip[0, :, [1, 3]])
        assert branch[6, [1, 3]].eq(1).all() and not branch[3:, [0, 2]].any()
    for guided_by in (None, replace(known, weight=2.0)):
        stage.sample(unit_noise([7], stage.clip_shape), conditions(1), SETTINGS,
                     given=Given(known=guided_by))
        assert not seen[-1][:, 3:].any()


def test_draft_alone_or_beside_others_has_the_same_bits(stage):
    alone = stage.sample(unit_noise([7], stage.clip_shape), conditions(1), SETTINGS)
    beside = stage.sample(unit_noise([5, 6, 7, 8], stage.clip_shape), conditions(4), SETTINGS)
    assert torch.equal(alone[0], beside[2])       # on a CPU; 1/255 elsewhere
    assert not torch.allclose(beside[1], beside[2], atol=0.1)


def test_seeds_and_streams_give_different_noise():
    shape = (3, 2, 5, 7)
    assert not torch.equal(unit_noise([1], shape), unit_noise([2], shape))
    assert not torch.equal(unit_noise([1], shape), unit_noise([1], shape, stream=1))
    assert unit_noise([2**63 - 1], shape, stream=2).isfinite().all()


@pytest.mark.parametrize("sampler", list(SOLVERS))
def test_oscillating_guidance_reaches_every_evaluation_of_the_sampler(
        stage, monkeypatch, sampler):
    told = []

    def recording(pair, weights):
        told.append(weights)
        return guided(pair, weights)

    monkeypatch.setattr("engine.stage.guided", recording)
    noise = unit_noise([7], stage.clip_shape)
    settings = replace(SETTINGS, steps=3, guidance=2.0, sampler=sampler)
    even, swinging = (stage.sample(noise, conditions(1), replace(settings, oscillating=one))
                      for one in (False, True))
    each = SOLVERS[sampler].evaluations_per_step
    assert told == [[2.0] * 3 * each, [4.0] * each + [0.5] * each + [4.0] * each]
    assert not torch.equal(even, swinging)


def test_little_noise_is_not_guided_and_asks_the_network_half_as_much(monkeypatch):
    torch.manual_seed(0)
    rows, every = [], Stage(TINY)
    third = sigmas(4, sigma_max=TINY.sigma_max)[2].item()
    some = Stage(replace(TINY, guidance_above=0.9 * third), every.network)
    forward = every.network.forward
    monkeypatch.setattr(every.network, "forward",
                        lambda video, *rest: (rows.append(len(video)), forward(video, *rest))[1])
    noise, settings = unit_noise([7], every.clip_shape), replace(SETTINGS, steps=4, guidance=2.0)
    partly = some.sample(noise, conditions(1), settings)
    assert rows == [2, 2, 2, 1]
    assert some.relative_cost(settings) == pytest.approx(sum(rows) / (2 * len(rows)))
    assert every.relative_cost(settings) == 1.0
    assert some.relative_cost(replace(settings, guidance=0.0)) == 1.0
    assert not torch.equal(partly, every.sample(noise, conditions(1), settings))


@pytest.mark.parametrize("guidance", [0.0, 2.0])
def test_the_network_hears_of_more_noise_where_it_is_not_guided(monkeypatch, guidance):
    torch.manual_seed(0)
    told = []
    level = sigmas(4, sigma_max=TINY.sigma_max)
    stage = Stage(replace(TINY, guidance_above=0.9 * level[2].item(), overstated=1.5))
    forward = stage.network.forward
    monkeypatch.setattr(stage.network, "forward", lambda video, c_noise, *rest: (
        told.append(c_noise[0].item()), forward(video, c_noise, *rest))[1])
    stage.sample(unit_noise([7], stage.clip_shape), conditions(1),
                 replace(SETTINGS, steps=4, guidance=guidance))
    counted = level[:-1] * torch.tensor([1, 1, 1, 1.5])
    assert told == pytest.approx(stage.preconditioning.c_noise(counted).tolist(), rel=1e-5)


def test_negative_prompt_takes_the_unconditional_branch(stage):
    noise, c = unit_noise([7], stage.clip_shape), conditions(1)
    negative = replace(c, text_tokens=c.text_tokens * -1)
    plain = stage.sample(noise, c, SETTINGS)
    steered = stage.sample(noise, c, SETTINGS, negative=negative)
    same = stage.sample(noise, c, replace(SETTINGS, guidance=0.0))
    unguided = stage.sample(noise, c, SETTINGS, negative=c)
    assert not torch.allclose(plain, steered)
    torch.testing.assert_close(same, unguided, atol=2 / 255, rtol=0)


@pytest.mark.parametrize("sampler", list(SOLVERS))
def test_cancel_takes_effect_before_the_next_evaluation(stage, sampler):
    evaluations = 0
    stopping = False

    def count(*_):
        nonlocal evaluations, stopping
        evaluations += 1
        stopping = evaluations == 2

    handle = stage.network.register_forward_hook(count)
    try:
        with pytest.raises(Cancelled):
            stage.sample(unit_noise([7], stage.clip_shape), conditions(1),
                         replace(SETTINGS, steps=8, sampler=sampler),
                         watch=Watch(should_stop=lambda: stopping))
    finally:
        handle.remove()
    assert evaluations == 2


def test_short_numbers_change_the_estimate_a_little_and_the_backend_s_name(stage, monkeypatch):
    monkeypatch.setattr(precision, "has_fast_bfloat16", lambda device: True)  # slow will do here
    monkeypatch.setattr("engine.stage.has_fast_bfloat16", lambda device: True)
    short = Stage(stage.config, stage.network, is_short=True)
    assert (stage.backend, short.backend) == ("pytorch cpu float32", "pytorch cpu bfloat16")
    x, sigma = torch.randn(1, *stage.clip_shape), torch.tensor([0.5])
    with torch.no_grad():
        exact, _ = stage.denoise(x, sigma, conditions(1))
        near, latents = short.denoise(x, sigma, conditions(1))
    assert near.dtype == latents.dtype == torch.float32
    assert 0 < (near - exact).abs().max() < 0.05


@pytest.mark.parametrize("guidance", [0.0, 3.0])
def test_known_frames_steer_the_others_alike_in_short_numbers(stage, monkeypatch, guidance):
    """Weights stay rounded over a whole run, and every estimate's gradient passes through them."""
    monkeypatch.setattr(precision, "has_fast_bfloat16", lambda device: True)
    short, mask = Stage(stage.config, stage.network, is_short=True), torch.arange(4) == 0
    known = KnownFrames(unit_noise([8], stage.clip_shape).clamp(-1, 1), mask, weight=5.0)

    def made(by: Stage, weight: float):
        return by.sample(unit_noise([7], stage.clip_shape), conditions(1),
                         replace(SETTINGS, guidance=guidance),
                         given=Given(known=replace(known, weight=weight)))[:, :, ~mask]

    exact, near, replaced = made(stage, 5.0), made(short, 5.0), made(short, 0.0)
    assert near.dtype == torch.float32 and not near.requires_grad
    assert 0 < (near - exact).square().mean() < 0.1 * (near - replaced).square().mean()


def test_saved_stage_loads_to_the_same_output(stage, tmp_path):
    _save(stage, tmp_path)
    loaded = load_stage(tmp_path)
    loaded.is_short = False
    x, sigma = torch.randn(1, *stage.clip_shape), torch.tensor([0.5])
    with torch.no_grad():
        stage.network.eval()
        expected, _ = stage.denoise(x, sigma, conditions(1))
        actual, _ = loaded.denoise(x, sigma, conditions(1))
    assert torch.equal(actual, expected)


def _save(stage: Stage, folder) -> None:
    checkpoint.write_config(stage.config, folder / "config.json")
    checkpoint.save_weights(stage.network.state_dict(), folder / "model.safetensors")


def test_every_seed_and_stream_has_noise_of_its_own():
    seeds = [5, 6, 2**32 - 1, 5 + 2**32, 6 + 2**32, 5 + 2**40, 2**63 - 1]
    drawn = torch.cat([unit_noise(seeds, (3,), stream) for stream in range(4)])
    assert len(drawn.unique(dim=0)) == 4 * len(seeds)
    small = torch.randn(3, generator=torch.Generator().manual_seed(5))
    assert torch.equal(drawn[0], small)    # which clips with such seeds are made of


def test_weights_may_be_read_by_whom_their_config_may(stage, tmp_path):
    _save(stage, tmp_path)
    assert len({path.stat().st_mode for path in tmp_path.iterdir()}) == 1


def test_weights_of_another_shape_are_named(stage, tmp_path):
    _save(stage, tmp_path)
    other = replace(TINY, network=replace(TINY.network, blocks=3))
    checkpoint.write_config(other, tmp_path / "config.json")
    with pytest.raises(ModelError, match=r"do not match.*blocks\.2"):
        load_stage(tmp_path)


@pytest.mark.parametrize("damage", ["truncated", "foreign", "missing"])
def test_damaged_weights_are_a_sentence(stage, tmp_path, damage):
    _save(stage, tmp_path)
    path = tmp_path / "model.safetensors"
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:1000] if damage == "truncated" else b"hello" * 50)
    with pytest.raises(ModelError, match=str(tmp_path)):
        load_stage(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", '{"network": 3}', '{"network": {"colour": 1}}',
                                  '{"network": {"width": 20}}', '{"network": {"frames": "x"}}'])
def test_bad_config_is_a_sentence(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ModelError, match=r"config\.json"):
        load_stage(tmp_path)


@pytest.mark.parametrize(("setting", "value"), [
    ("patch_width", 100), ("patch", 0), ("local_apart", 0), ("self_head_width", 0),
    ("self_head_width", 50), ("group", [5]), ("group", 5), ("group", [5, "x"]), ("frames", True),
    ("dropout", "x"), ("placed", 1), ("scale", "x"), ("scale", 0), ("sigma_data", -1),
    ("sigma_max", "x"), ("sigma_max", float("inf")), ("sigma_min", 0), ("detail", None),
    ("guidance_above", -0.1), ("overstated", 0),
    ("text_length", "x"), ("text_length", 0), ("text_encoder", 3)])
def test_one_bad_setting_in_the_shipped_config_is_a_sentence_that_names_it(
        tmp_path, setting, value):
    values = json.loads((SHIPPED / "storybook" / "base" / "config.json").read_text())
    (values["network"] if setting in values["network"] else values)[setting] = value
    (tmp_path / "config.json").write_text(json.dumps(values))
    with pytest.raises(ModelError, match=rf"config\.json does not .*{setting}") as raised:
        load_stage(tmp_path)
    assert "\n" not in str(raised.value)


def test_a_network_too_large_for_any_memory_is_a_sentence(tmp_path):
    huge = replace(TINY, network=replace(TINY.network, latent_width=24 * 2**40))
    checkpoint.write_config(huge, tmp_path / "config.json")
    with pytest.raises(ModelError, match=r"config\.json describes .* cannot be built") as raised:
        load_stage(tmp_path)
    assert "\n" not in str(raised.value)


def test_unknown_device_is_a_sentence(stage, tmp_path):
    _save(stage, tmp_path)
    with pytest.raises(ModelError, match="nonsense"):
        load_stage(tmp_path, "nonsense")
