"""FIT: the transformer that works on a compressed 1-D latent of the whole clip (paper Sec. 3.3).

Pixels become patch tokens in groups; learned latent tokens read them, think globally and write
back, block after block. The latents of the last block can start the next evaluation
(self-conditioning). Knows nothing of noise but a number, `c_noise`.
"""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from engine.model.block import FITBlock, PatchLayers, Surroundings, Widths
from engine.model.config import FITConfig
from engine.model.embedding import Conditions, ContextEmbedding, PooledText
from engine.model.overview import Overview
from engine.model.patching import Head, Layout, OutputGain, PixelSkip, Stem, pad_rows
from engine.model.positions import PatchPositions, SpaceTimeWaves
from engine.model.reader import TextReader
from engine.model.refiner import Channels, Refiner, Shape
from engine.model.self_conditioning import Carry, LatentSelfConditioning


@dataclass(frozen=True)
class Part:
    """A piece of the whole clip: frame numbers (t,) and group numbers (b, g); none means all."""

    frames: Tensor | None = None
    groups: Tensor | None = None


@dataclass(frozen=True)
class Told:
    """What an evaluation is told besides the clip, embedded; the last three only where used.

    context: tokens (b, l, k), which blocks read; context_mask: (b, l) bool. description: (b, k),
    what the clip is; heard: (b, k), its words alone, at unit size; pooled_text: (b, 1, e).
    """

    context: Tensor
    context_mask: Tensor
    description: Tensor | None = None
    heard: Tensor | None = None
    pooled_text: Tensor | None = None


class FIT(nn.Module):
    """Far-reaching interleaved transformer for clips (paper Fig. 3)."""

    def __init__(self, config: FITConfig):
        super().__init__()
        self.config = config
        c = config
        widths = Widths(c.patch_width, c.latent_width, c.context_width,
                        c.self_head_width, c.cross_head_width)
        position_grid = c.group if c.shared_positions else c.whole_grid
        self.stem = Stem(c.input_channels, c.patch_width, c.patch, c.overlap)
        self.positions = PatchPositions((c.frames, *position_grid), c.patch_width,
                                        factorised=c.factorised_positions)
        self.waves = SpaceTimeWaves((c.frames, *position_grid)) if c.placed else None
        self.latents = nn.Parameter(
            0.02 * torch.randn(c.groups, c.n_latents // c.groups, c.latent_width))
        self.pooled_text = PooledText(c.text_width, c.latent_width) if c.pooled_text else None
        self.self_conditioning = LatentSelfConditioning(c.latent_width)
        self.reader = TextReader(c.text_width, c.text_layers) if c.text_layers else None
        self.context = ContextEmbedding(
            c.text_width, c.context_width, 4 * c.patch_width,
            text_norm=c.text_norm, augmented=c.augmented)
        self.describing_text = PooledText(c.text_width, c.context_width) if c.modulated else None
        described = c.context_width if c.modulated else 0
        self.overview = Overview(
            (c.frames, *c.whole_grid), c.channels, c.patch_width, c.patch,
            described) if c.overview else None
        among = PatchLayers(
            kernel=c.local_kernel, frames=c.frames if c.frame_attention else 0,
            grid=c.whole_grid if c.place_attention else None,
            convolutions=c.convolutions, waves=self.waves.shape if c.placed else None,
            description=described)
        self.blocks = nn.ModuleList(
            FITBlock(widths, c.global_layers, c.dropout,
                     replace(among, apart=c.local_apart if number else 1))
            for number in range(c.blocks))
        self.head = Head(c.patch_width, c.channels, c.patch, c.overlap, described)
        self.pixel_skip = PixelSkip(
            c.patch_width, c.patch, c.condition_channels // c.channels,
            described) if c.pixel_skip else None
        self.refiner = Refiner(
            c.patch_width, Channels(
                self.pixel_skip.views * c.channels, c.input_channels - c.channels, c.channels),
            c.patch, Shape(c.refiner_width, c.refiner_blocks, c.refiner_levels, c.refiner_before),
            described) if c.refiner_width else None
        self.gain = OutputGain(described) if c.modulated else None

    def forward(self, video: Tensor, c_noise: Tensor, conditions: Conditions,
                carry: Carry | None = None, part: Part | None = None,
                ) -> tuple[Tensor, Tensor]:
        """Evaluate the network once.

        video: (b, k, t, h, w), `input_channels`: the noisy clip, then what it is seen beside.
        c_noise: (b,). carry: latents of an earlier evaluation, none on the first.
        part: which frames and groups of the whole clip `video` holds; none for all.
        Returns: F (b, c, t, h, w) and the latents (b, g m, e) after the last block.
        """
        return self.evaluate(video, self.told(c_noise, conditions), carry, part)

    def told(self, c_noise: Tensor, conditions: Conditions) -> Told:
        """Embed what an evaluation is told; a few rows of numbers beside a clip."""
        if self.reader is not None:
            conditions = self.reader(conditions)
        context, mask = self.context(c_noise, conditions)                     # (b, l, k), (b, l)
        description = heard = None
        if self.describing_text is not None:
            # All tokens but the text's: noise level, frame rate, resolution, augmentation.
            scalars = context[:, conditions.text_mask.shape[1]:].sum(dim=1)   # (b, k)
            words = self.describing_text(conditions)[:, 0]                    # (b, k)
            description = F.silu(scalars + words)
        if self.overview is not None:
            louder, heard = self.overview.emphasis(words)
            description = description + louder
        pooled = None if self.pooled_text is None else self.pooled_text(conditions)
        return Told(context, mask, description, heard, pooled)

    def evaluate(self, video: Tensor, told: Told, carry: Carry | None = None,
                 part: Part | None = None) -> tuple[Tensor, Tensor]:
        """Evaluate the network once for what it has been told, as `forward` does."""
        height, high = video.shape[3], self.config.group_pixels[0]
        if self.pixel_skip is not None:
            pictures = pad_rows(self.pixel_skip.pictures(video, self.config.channels), high)
        video = pad_rows(video, high)
        layout = self._layout(video)
        part = part or Part()

        # stem, positions
        repeats = (layout.group_rows, layout.group_columns) if self.config.shared_positions \
            else (1, 1)
        frame_index = part.frames if part.frames is not None \
            else torch.arange(layout.frames, device=video.device)
        grid = self.stem(video)                                               # (b, t, h, w, d)
        around = self._surroundings(told, layout, frame_index, repeats)
        if self.refiner is not None:
            cells = self.refiner.look(
                pictures, video[:, self.config.channels:], around.description)
            grid = self.refiner.tell(grid, cells)                             # (b, t, h, w, d)
        if self.overview is not None:
            grid = self.overview(
                grid, video[:, :self.config.channels], around.description, around.heard,
                frame_index)
        grid = grid + self.positions(frame_index, repeats).to(grid)           # (b, t, h, w, d)
        patch_tokens = layout.to_groups(grid)                                 # (b, g, n, d)

        # latents, self-conditioning
        latents = self._initial_latents(video.shape[0], part.groups)          # (b, g m, e)
        if told.pooled_text is not None:
            latents = latents + told.pooled_text
        if carry is not None:
            latents = latents + self.self_conditioning(carry.latents, carry.kept)

        # blocks
        for block in self.blocks:
            patch_tokens, latents = block(patch_tokens, latents, around)

        # head
        grid = layout.to_grid(patch_tokens)                                   # (b, t, h, w, d)
        output = self.head(grid, around.description)
        if self.pixel_skip is not None:
            output = output + self.pixel_skip(grid, pictures, around.description)
        if self.refiner is not None:
            output = output + self.refiner(grid, cells, around.description)
        if self.gain is not None:
            output = self.gain(output, around.description)
        return output[:, :, :, :height], latents

    def expect(self, c_noise: Tensor, conditions: Conditions, frame_index: Tensor) -> Tensor:
        """Map what the words let each patch of some frames expect, without the clip.

        frame_index: (t,) long. Returns: (b, t, h, w, d).
        """
        told = self.told(c_noise, conditions)
        return self.overview.words(told.description, told.heard, frame_index)

    def _surroundings(self, told: Told, layout: Layout, frame_index: Tensor,
                      repeats: tuple[int, int]) -> Surroundings:
        place = None if self.waves is None else self.waves(frame_index, repeats)
        return Surroundings(told.context, told.context_mask, layout, frame_index, place,
                            told.description, told.heard)

    def _layout(self, video: Tensor) -> Layout:
        rows, columns = self.config.group
        high, wide = self.config.group_pixels
        return Layout(video.shape[2], video.shape[3] // high, video.shape[4] // wide,
                      rows, columns)

    def _initial_latents(self, batch: int, groups: Tensor | None) -> Tensor:
        chosen = self.latents.expand(batch, -1, -1, -1) if groups is None \
            else self.latents[groups]
        return rearrange(chosen, "b g m e -> b (g m) e")
