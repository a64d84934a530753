"""Named stages: the paper's, the shipped ones, a tiny one for tests. Only differences show."""

from dataclasses import replace

from engine.model import FITConfig
from engine.stage_config import StageConfig

_T5_11B = "google-t5/t5-11b"  # of width 1024, as the paper's; v1.1 has 4096

_paper_base = StageConfig(FITConfig(), text_encoder=_T5_11B, text_length=128)
_paper_wide = replace(_paper_base.network, patch_width=1024, latent_width=3072,
                      context_width=1024, n_latents=768, self_head_width=128, cross_head_width=64)
_upsampled = dict(height=288, width=512, group=(18, 16), condition_channels=3, augmented=True,
                  shared_positions=True)

_storybook = FITConfig(
    patch_width=128, latent_width=192, context_width=192, n_latents=64, blocks=3, global_layers=2,
    cross_head_width=64, text_width=384, dropout=0.0, factorised_positions=True,
    local_kernel=3, frame_attention=True, overlap=2, pixel_skip=True, placed=True, modulated=True,
    text_norm=True, pooled_text=True)
_storybook_base = StageConfig(
    replace(_storybook, place_attention=True, known_frames=True, overview=True,
            text_layers=1, convolutions=2, refiner_width=64, refiner_before=1), sigma_max=20.0)
_shipped = replace(_storybook_base, guidance_above=0.5, overstated=1.4)

PRESETS = {
    "paper_500m": _paper_base,
    "paper_3b9": replace(_paper_base, network=_paper_wide),
    "paper_3b9_upsampler": replace(
        _paper_base, network=replace(_paper_wide, **_upsampled), scale=8.0),
    "storybook_base": _shipped,
    # Convolutions at a patch's width and half of it, for more subjects than storybook_base holds.
    "storybook_forty": replace(
        _shipped, network=replace(_shipped.network, refiner_levels=2)),
    "storybook_upsampler": replace(
        _storybook_base, sigma_max=0.5, detail=0.12,
        network=replace(_storybook, patch_width=64, n_latents=768, local_apart=2, **_upsampled)),
    "tiny": replace(_storybook_base, network=replace(
        _storybook_base.network, frames=4, height=12, width=16, group=(2, 2), patch_width=32,
        latent_width=48, context_width=32, n_latents=16, blocks=2, global_layers=1,
        self_head_width=24, cross_head_width=16, convolutions=1,
        refiner_width=16, refiner_blocks=1)),
}
