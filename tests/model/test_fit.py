import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from engine.model import FIT, Carry, Conditions, FITConfig, Part
from engine.model.among_patches import FrameAttention, LocalMixing, PlaceAttention
from engine.model.embedding import PooledText
from engine.model.patching import Layout
from engine.model.positions import SpaceTimeWaves, WaveMap
from engine.presets import PRESETS

TINY = PRESETS["tiny"].network
# Patches that do not look at each other.
APART = dict(local_kernel=0, convolutions=0, place_attention=False, frame_attention=False,
             overlap=0, refiner_before=0)
PLAIN = replace(TINY, **APART, global_layers=0)


def conditions(config: FITConfig, b: int, seed: int = 0) -> Conditions:
    g = torch.Generator().manual_seed(seed)
    mask = torch.arange(7) < torch.tensor([[3], [7]]).repeat(b, 1)[:b]
    return Conditions(torch.randn(b, 7, config.text_width, generator=g), mask,
                      torch.ones(b, dtype=torch.bool), torch.full((b,), 12.0),
                      torch.full((b, 2), 64.0),
                      torch.full((b,), 0.3) if config.augmented else None)


def clip(config: FITConfig, b: int = 2) -> torch.Tensor:
    g = torch.Generator().manual_seed(1)
    shape = (b, config.input_channels, config.frames, config.height, config.width)
    return torch.randn(shape, generator=g)


def built(config: FITConfig) -> FIT:
    torch.manual_seed(0)
    return FIT(config).eval()


@pytest.mark.parametrize(("name", "billions"), [
    ("paper_500m", 0.4998), ("paper_3b9", 3.921), ("paper_3b9_upsampler", 3.92)])
def test_paper_presets_have_the_paper_s_size(name, billions):
    with torch.device("meta"):
        network = FIT(PRESETS[name].network)
    count = sum(p.numel() for p in network.parameters()) / 1e9
    assert count == pytest.approx(billions, rel=0.01)


def test_only_what_follows_self_attention_drops_out():
    with torch.device("meta"):
        network = FIT(PRESETS["paper_500m"].network)
    dropping = [name for name, part in network.named_modules()
                if isinstance(part, torch.nn.Dropout) and part.p == 0.1]
    assert len(dropping) == 6 * 4 and all(".global_layers." in name for name in dropping)
    assert not any(part.p for name, part in network.named_modules()
                   if isinstance(part, torch.nn.Dropout) and name not in dropping)


def test_group_order_comes_back():
    layout = Layout(frames=3, group_rows=2, group_columns=5, rows=7, columns=11)
    grid = torch.randn(2, 3, 14, 55, 4)
    tokens = layout.to_groups(grid)
    assert tokens.shape == (2, 10, 3 * 7 * 11, 4)
    assert torch.equal(layout.to_grid(tokens), grid)
    assert torch.equal(tokens[0, 6, 0], grid[0, 0, 7, 11])


def test_output_has_the_clip_s_size_without_padding():
    config = replace(TINY, height=11)
    output, latents = built(config)(clip(config), torch.zeros(2), conditions(config, 2))
    assert output.shape == (2, 3, 4, 11, 16)
    assert latents.shape == (2, config.n_latents, config.latent_width)


@torch.no_grad()
def test_without_global_layers_a_pixel_changes_only_its_group():
    network, video = built(PLAIN), clip(PLAIN)
    before, _ = network(video, torch.zeros(2), conditions(PLAIN, 2))
    video[0, 0, 1, 0, 0] += 1.0
    after, _ = network(video, torch.zeros(2), conditions(PLAIN, 2))
    changed = (before != after).any(dim=1)[0]                                 # (t, h, w)
    high, wide = PLAIN.group_pixels
    assert changed[:, :high, :wide].any()
    assert not changed[:, high:].any() and not changed[:, :, wide:].any()


@torch.no_grad()
def test_local_mixing_reaches_the_neighbours_that_far_apart_and_no_others():
    layout = Layout(frames=1, group_rows=2, group_columns=2, rows=4, columns=6)
    tokens = torch.randn(1, 4, 24, 8)
    grid = layout.to_grid(tokens).clone()
    grid[0, 0, 3, 5] += torch.arange(8)
    for apart in (1, 2):
        mixing = LocalMixing(8, kernel=3, apart=apart, description_width=0)
        torch.nn.init.ones_(mixing.mix.weight)
        before, after = (layout.to_grid(mixing(one, layout, None))[0, 0]
                         for one in (tokens, layout.to_groups(grid)))
        rows, columns = torch.nonzero((before - after).abs().amax(dim=2) > 1e-4, as_tuple=True)
        assert set(rows.tolist()) == {3 - apart, 3, 3 + apart}
        assert set(columns.tolist()) == {5 - apart, 5, 5 + apart}


@torch.no_grad()
def test_frame_attention_reaches_every_frame_of_its_own_place_only():
    config = replace(PLAIN, frame_attention=True, blocks=1)
    network, video, c = built(config), clip(config), conditions(config, 2)
    network.blocks[0].write.to_out.weight.zero_()      # or latents would reach every place
    before, _ = network(video, torch.zeros(2), c)
    video[0, 0, 1, 0, 0] += 1.0
    after, _ = network(video, torch.zeros(2), c)
    changed = (before != after).any(dim=1)[0]                                 # (t, h, w)
    p = config.patch
    assert changed[:, :p, :p].all()
    assert not changed[:, p:].any() and not changed[:, :, p:].any()


@torch.no_grad()
def test_place_attention_sees_its_own_frame_and_how_far_away_a_patch_is():
    layout = Layout(frames=2, group_rows=1, group_columns=2, rows=3, columns=2)
    attention = PlaceAttention(8, head_width=4, grid=(3, 4), description_width=0).eval()
    tokens = torch.randn(1, 2, 12, 8)
    assert not attention(tokens, layout).any()                       # nothing at first
    attention.attention.to_qkv.weight[:8] = 0
    attention.attention.to_out.weight.copy_(torch.eye(8))
    values = layout.to_grid(attention.norm(tokens) @ attention.attention.to_qkv.weight[16:].T)
    mean = values.mean(dim=(2, 3), keepdim=True).expand_as(values)
    torch.testing.assert_close(layout.to_grid(attention(tokens, layout)), mean)
    attention.bias[:, 2 + 1, 3 - 2] = 50.0                           # one row up, two columns right
    out = layout.to_grid(attention(tokens, layout))
    torch.testing.assert_close(out[:, :, 1:, :2], values[:, :, :-1, 2:])
    torch.testing.assert_close(out[:, :, 0], mean[:, :, 0])


@torch.no_grad()
def test_frame_attention_begins_as_a_mean_over_time_and_learns_who_is_near():
    """With queries of zero every score is the bias: none at first, then of the distance alone."""
    attention = FrameAttention(8, head_width=4, frames=7, description_width=0).eval()
    attention.attention.to_qkv.weight[:8] = 0
    attention.attention.to_out.weight.copy_(torch.eye(8))
    tokens = torch.randn(2, 3, 5 * 11, 8)                                     # 5 of 7 frames
    index = torch.tensor([0, 1, 3, 4, 6])
    values = attention.norm(tokens) @ attention.attention.to_qkv.weight[16:].T
    values = values.view(2, 3, 5, 11, 8)
    mean = values.mean(dim=2, keepdim=True).expand_as(values)
    torch.testing.assert_close(attention(tokens, index).view_as(mean), mean)
    attention.bias[:, 6 + 3] = 50.0                    # to the frame three before, where there is
    out = attention(tokens, index).view_as(values)
    torch.testing.assert_close(out[:, :, 2], values[:, :, 0])
    torch.testing.assert_close(out[:, :, 4], values[:, :, 2])
    torch.testing.assert_close(out[:, :, 0], mean[:, :, 0])


@torch.no_grad()
@pytest.mark.parametrize(("option", "layers", "size"), [
    ("placed", ("read_place", "write_place"), 0.1), ("pooled_text", ("pooled_text.out",), 0.1),
    ("modulated", ("to_shift_scale",), 0.1), ("overview", ("overview",), 0.1)])
def test_an_option_starts_as_nothing_and_then_matters(option, layers, size):
    network, video = built(replace(TINY, **{option: True})), clip(TINY)
    c = conditions(TINY, 2)
    # The overview rests on modulated layers, so it goes where they go.
    without = {option: False} | ({"overview": False} if option == "modulated" else {})
    bare = FIT(replace(TINY, **without)).eval()
    bare.load_state_dict(
        {k: v for k, v in network.state_dict().items() if k in bare.state_dict()})
    plain, _ = bare(video, torch.zeros(2), c)
    assert torch.equal(network(video, torch.zeros(2), c)[0], plain)
    torch.manual_seed(1)
    for name, parameter in network.named_parameters():
        if any(layer in name for layer in layers):
            parameter.normal_(0, size)
    assert not torch.allclose(network(video, torch.zeros(2), c)[0], plain, atol=1e-3)


def products(grid):
    waves = SpaceTimeWaves(grid)(torch.arange(grid[0]), (1, 1))
    return torch.einsum("ta,hb,wc->thwabc", *waves).flatten(3)


@torch.no_grad()
def test_wave_map_is_linear_in_the_products_of_waves():
    waves = SpaceTimeWaves((7, 5, 3))
    wave_map = WaveMap(waves.shape, 11)
    wave_map.weight.normal_()
    expected = products((7, 5, 3)).repeat(1, 2, 3, 1)[[1, 4]] @ wave_map.weight.T
    torch.testing.assert_close(
        wave_map(waves(torch.tensor([1, 4]), (2, 3))), expected, atol=1e-4, rtol=1e-4)


def test_space_time_waves_tell_every_patch_from_every_other():
    table = products((16, 10, 16)).flatten(0, 2)
    assert table.square().mean().sqrt() == pytest.approx(1, rel=0.05)
    likeness = torch.nn.functional.cosine_similarity(table[:1], table[1:])
    assert likeness.max() < 0.99


def test_one_direction_in_space_time_waves_follows_a_moving_subject():
    """What a latent's key has to do: score high on a diagonal of time and column, low beside it."""
    table = products((16, 10, 16))[:, 5]                                        # (t, w, k)
    time, column = torch.meshgrid(torch.arange(16.), torch.arange(16.), indexing="ij")
    wanted = (-(time - column).square() / 8).exp().flatten()
    found = torch.linalg.lstsq(table.flatten(0, 1), wanted[:, None], driver="gelsd").solution
    scores = table.flatten(0, 1) @ found
    assert torch.corrcoef(torch.stack((scores[:, 0], wanted)))[0, 1] > 0.9


@torch.no_grad()
def test_pooled_text_is_the_mean_of_the_visible_words_and_nothing_when_dropped():
    pool, c = PooledText(TINY.text_width, 8), conditions(TINY, 2)
    pool.out.weight.normal_()
    hidden = replace(c, text_tokens=c.text_tokens.masked_fill(~c.text_mask[..., None], 9.0))
    torch.testing.assert_close(pool(hidden), pool(c))
    mean = pool.norm(c.text_tokens[0, :3]).mean(dim=0)
    torch.testing.assert_close(pool(c)[0, 0], pool.out(mean))
    assert not pool(c.without_text()).any()


@torch.no_grad()
def test_pixel_skip_starts_as_nothing_and_then_passes_each_picture_by_its_factor():
    config = replace(
        TINY, height=11, condition_channels=3, pixel_skip=True, known_frames=False,
        refiner_before=0)
    network, video, c = built(config), clip(config), conditions(config, 2)
    bare = FIT(replace(config, pixel_skip=False, refiner_width=0, refiner_before=0)).eval()
    bare.load_state_dict({k: v for k, v in network.state_dict().items()
                          if not k.startswith(("pixel_skip", "refiner"))})
    without, _ = network(video, torch.zeros(2), c)
    assert torch.equal(without, bare(video, torch.zeros(2), c)[0])
    noisy, low = video.split(3, dim=1)
    mean = noisy.mean(dim=2, keepdim=True).expand_as(noisy)
    soft = F.avg_pool2d(noisy.flatten(1, 2), 3, 1, 1, count_include_pad=False).view_as(noisy)
    soft_mean = soft.mean(dim=2, keepdim=True).expand_as(soft)
    for place, picture in enumerate((noisy, mean, soft, soft_mean, low)):
        network.pixel_skip.factor.bias.zero_()
        network.pixel_skip.factor.bias[place] = -1.5
        passed, _ = network(video, torch.zeros(2), c)
        torch.testing.assert_close(passed, without - 1.5 * picture)


@torch.no_grad()
def test_output_gain_is_the_exponential_of_what_it_learned():
    network, video, c = built(TINY), clip(TINY), conditions(TINY, 2)
    before, _ = network(video, torch.zeros(2), c)
    network.gain.log_gain.bias.fill_(2.0)
    after, _ = network(video, torch.zeros(2), c)
    torch.testing.assert_close(after, before * math.e ** 2)


@torch.no_grad()
def test_with_global_layers_a_pixel_reaches_every_group():
    config = replace(PLAIN, global_layers=1)
    network, video = built(config), clip(config)
    before, _ = network(video, torch.zeros(2), conditions(config, 2))
    video[0, 0, 1, 0, 0] += 1.0
    after, _ = network(video, torch.zeros(2), conditions(config, 2))
    assert (before != after)[0].any(dim=0).all(dim=0).float().mean() > 0.9


@torch.no_grad()
def test_convolutions_join_patches_of_a_frame_across_groups():
    config = replace(PLAIN, convolutions=1, blocks=1)
    network, video = built(config), clip(config)
    network.blocks[0].convolutions[0].contract.weight.normal_()
    before, _ = network(video, torch.zeros(2), conditions(config, 2))
    _, wide = config.group_pixels
    video[0, 0, 1, 4, wide - 1] += 1.0                     # the last column of the first group
    after, _ = network(video, torch.zeros(2), conditions(config, 2))
    changed = (before != after).any(dim=1)                                   # (b, t, h, w)
    assert changed[0, 1, :, wide:].any() and not changed[1].any()


@torch.no_grad()
def test_groups_may_come_in_any_order():
    """With positions shared, swapping two groups with their latents swaps their outputs."""
    config = replace(TINY, **APART, shared_positions=True, overview=False)
    network, video, c = built(config), clip(config), conditions(config, 2)
    _, wide = config.group_pixels
    swapped = torch.cat((video[..., wide:], video[..., :wide]), dim=-1)
    rows, columns = config.group_grid
    order = torch.arange(rows * columns).view(rows, columns).flip(1).flatten().expand(2, -1)
    out, _ = network(video, torch.zeros(2), c)
    out_swapped, _ = network(swapped, torch.zeros(2), c, part=Part(groups=order))
    expected = torch.cat((out[..., wide:], out[..., :wide]), dim=-1)
    torch.testing.assert_close(out_swapped, expected, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_self_conditioning_is_exactly_neutral_at_the_start():
    network, video, c = built(TINY), clip(TINY), conditions(TINY, 2)
    first, latents = network(video, torch.zeros(2), c)
    second, _ = network(video, torch.zeros(2), c, Carry(latents, torch.ones(2, dtype=bool)))
    assert torch.equal(first, second)


@torch.no_grad()
def test_dropped_carry_equals_no_carry_even_when_trained():
    network, video, c = built(TINY), clip(TINY), conditions(TINY, 2)
    torch.nn.init.ones_(network.self_conditioning.gate.weight)
    torch.nn.init.ones_(network.self_conditioning.gate.bias)
    first, latents = network(video, torch.zeros(2), c)
    kept = torch.tensor([True, False])
    second, _ = network(video, torch.zeros(2), c, Carry(latents, kept))
    assert not torch.allclose(first[0], second[0])
    assert torch.equal(first[1], second[1])


@torch.no_grad()
def test_masked_text_tokens_do_not_matter_and_visible_ones_do():
    network, video, c = built(TINY), clip(TINY), conditions(TINY, 2)
    before, _ = network(video, torch.zeros(2), c)
    tokens = c.text_tokens.clone()
    tokens[0, 5] += 10                                                        # beyond 3 visible
    hidden, _ = network(video, torch.zeros(2), replace(c, text_tokens=tokens))
    assert torch.equal(before, hidden)
    tokens[0, 1] += 10
    seen, _ = network(video, torch.zeros(2), replace(c, text_tokens=tokens))
    assert not torch.allclose(before[0], seen[0])


@torch.no_grad()
def test_dropped_text_is_the_same_whatever_it_said():
    network, video = built(TINY), clip(TINY)
    one, _ = network(video, torch.zeros(2), conditions(TINY, 2, seed=1).without_text())
    two, _ = network(video, torch.zeros(2), conditions(TINY, 2, seed=2).without_text())
    assert torch.equal(one, two)


@pytest.mark.parametrize("field", ["fps", "resolution"])
@torch.no_grad()
def test_scalar_tokens_reach_the_output(field):
    network, video, c = built(TINY), clip(TINY), conditions(TINY, 2)
    before, _ = network(video, torch.zeros(2), c)
    other, _ = network(video, torch.zeros(2), replace(c, **{field: getattr(c, field) * 2}))
    assert not torch.allclose(before, other)
    image = replace(c, fps=torch.full((2,), float("inf")))
    assert network(video, torch.zeros(2), image)[0].isfinite().all()


@torch.no_grad()
def test_some_frames_alone_use_their_own_positions():
    network, video, c = built(TINY), clip(TINY), conditions(TINY, 2)
    early, _ = network(video[:, :, :2], torch.zeros(2), c, part=Part(torch.tensor([0, 1])))
    late, _ = network(video[:, :, :2], torch.zeros(2), c, part=Part(torch.tensor([2, 3])))
    assert early.shape == (2, 3, 2, 12, 16)
    assert not torch.allclose(early, late)


@pytest.mark.parametrize("changes", [
    {"width": 20}, {"n_latents": 17}, {"condition_channels": 3}, {"local_apart": 3},
    {"condition_channels": 2, "known_frames": False}, {"context_width": 40}, {"patch_width": 40},
    {"patch_width": 56, "frame_attention": True}, {"latent_width": 64}])
def test_config_that_does_not_divide_is_refused(changes):
    with pytest.raises(ValueError):
        replace(TINY, **changes)
