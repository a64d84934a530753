"""FIT: the transformer that works on a compressed 1-D latent of the whole clip (paper Sec. 3.3).

Pixels become patch tokens in groups; learned latent tokens read them, think globally and write
back, block after block. The latents of the last block can start the next evaluation
(self-conditioning). Knows nothing of noise but a number, `c_noise`.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from engine.model.block import FITBlock, PatchLayers, Surroundings, Widths
from engine.model.embedding import Conditions, ContextEmbedding, PooledText
from engine.model.overview import Overview
from engine.model.patching import Head, Layout, OutputGain, PixelSkip, Stem, pad_rows
from engine.model.positions import PatchPositions, SpaceTimeWaves
from engine.model.refiner import CELL, Channels, Refiner, Shape
from engine.model.self_conditioning import Carry, LatentSelfConditioning

# Settings that may be 0, for none of it.
OPTIONAL = {"condition_channels", "global_layers", "local_kernel", "overlap", "refiner_width",
            "refiner_blocks", "refiner_levels", "refiner_before", "convolutions"}


@dataclass(frozen=True)
class FITConfig:
    """Shape of a FIT (paper Table 8). Sizes in pixels are of one input clip.

    group: rows and columns of patches in a group; a group spans all frames.
    n_latents: total over all groups.
    shared_positions: one position table for every group instead of one for the frame.
    local_kernel, local_apart (from the second block on), frame_attention, place_attention,
    overlap, pixel_skip, factorised_positions, placed, modulated, text_norm, pooled_text,
    overview, convolutions (blocks of dense ones over patches, in every FIT block), refiner_width
    (of convolutions finer than patches), refiner_before (blocks of those whose cells patches are
    told of), refiner_levels (coarser ones beside them, each half as fine and twice as wide),
    known_frames (the network also sees the frames of the clip that are given, and which they
    are): ours, off in the paper's presets.
    """

    frames: int = 16
    height: int = 36
    width: int = 64
    channels: int = 3
    condition_channels: int = 0
    patch: int = 4
    group: tuple[int, int] = (5, 4)
    patch_width: int = 768
    latent_width: int = 1024
    context_width: int = 768
    n_latents: int = 512
    blocks: int = 6
    global_layers: int = 4
    self_head_width: int = 64
    cross_head_width: int = 48
    text_width: int = 1024
    dropout: float = 0.1
    augmented: bool = False
    shared_positions: bool = False
    factorised_positions: bool = False
    local_kernel: int = 0
    local_apart: int = 1
    frame_attention: bool = False
    place_attention: bool = False
    overlap: int = 0
    pixel_skip: bool = False
    placed: bool = False
    modulated: bool = False
    text_norm: bool = False
    pooled_text: bool = False
    known_frames: bool = False
    overview: bool = False
    refiner_width: int = 0
    refiner_blocks: int = 2
    refiner_levels: int = 0
    refiner_before: int = 0
    convolutions: int = 0

    def __post_init__(self) -> None:
        for spec in fields(self):
            value = getattr(self, spec.name)
            if spec.type is int and (type(value) is not int or value < (spec.name not in OPTIONAL)):
                raise ValueError(f"{spec.name} must be a whole number"
                                 f"{'' if spec.name in OPTIONAL else ' above 0'}, not {value!r}")
            if spec.type is bool and type(value) is not bool:
                raise ValueError(f"{spec.name} must be true or false, not {value!r}")
        if not isinstance(self.dropout, int | float) or not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be a number from 0 to below 1, not {self.dropout!r}")
        if not isinstance(self.group, list | tuple) or len(self.group) != 2 \
                or any(type(side) is not int or side < 1 for side in self.group):
            raise ValueError("group must be how many rows and columns of patches a group has, "
                             f"not {self.group!r}")
        object.__setattr__(self, "group", tuple(self.group))
        for is_wrong, sentence in self._mistakes():
            if is_wrong:
                raise ValueError(sentence)

    def _mistakes(self) -> Iterator[tuple[bool, str]]:
        """Yield what would not fit together, each with whether it is so here."""
        kernel, wide = self.local_kernel, self.patch * self.group[1]
        yield (kernel and not kernel % 2,
               "local_kernel must be an odd number, or 0 for none")
        yield (any(side % self.local_apart for side in self.group),
               f"local_apart {self.local_apart} does not divide a group of {self.group} patches")
        yield (self.latent_width % self.self_head_width,
               f"self_head_width {self.self_head_width} does not divide latent_width "
               f"{self.latent_width}")
        for one, other in (("patch", "latent"), ("latent", "context")):
            inner = min(getattr(self, f"{one}_width"), getattr(self, f"{other}_width"))
            yield (inner % self.cross_head_width,
                   f"cross_head_width {self.cross_head_width} does not divide {inner}, the smaller "
                   f"of {one}_width and {other}_width")
        yield ((self.frame_attention or self.place_attention)
               and self.patch_width % self.cross_head_width,
               f"cross_head_width {self.cross_head_width} does not divide patch_width "
               f"{self.patch_width}, as attention among patches needs")
        yield (self.condition_channels % self.channels,
               f"condition_channels {self.condition_channels} are not whole clips of "
               f"{self.channels} channels")
        yield (self.known_frames and self.condition_channels,
               "known_frames are for a stage without condition_channels")
        yield (self.overview and not self.modulated,
               "overview needs a modulated network, whose patches are told of words")
        yield (self.overview and self.shared_positions,
               "overview needs positions of its own for every patch of the frame")
        yield (self.overlap > self.patch,
               f"overlap {self.overlap} reaches beyond the neighbours of a patch of {self.patch} "
               "pixels")
        yield (self.refiner_width and (not self.pixel_skip or self.patch % CELL),
               f"refiner_width needs pixel_skip and patches of whole {CELL} pixels")
        yield (self.refiner_levels and not (self.refiner_width and self.refiner_blocks),
               "refiner_levels need a refiner_width and refiner_blocks above 0")
        yield (self.refiner_before and not self.refiner_width,
               "refiner_before needs a refiner_width above 0")
        cells = (side * self.patch // CELL for side in self.whole_grid)
        yield (self.refiner_levels and any(side % 2**self.refiner_levels for side in cells),
               f"refiner_levels {self.refiner_levels} do not halve a frame of "
               f"{self.whole_grid} patches evenly")
        yield (self.width % wide, f"clip width {self.width} is not whole groups of {wide} pixels")
        yield (self.n_latents % self.groups,
               f"{self.n_latents} latents do not divide among {self.groups} groups")

    @property
    def input_channels(self) -> int:
        """Channels the network sees: noisy clip, low-resolution clip, known frames and mask."""
        known = self.channels + 1 if self.known_frames else 0
        return self.channels + self.condition_channels + known

    @property
    def group_pixels(self) -> tuple[int, int]:
        """Height and width of a group in pixels."""
        return self.group[0] * self.patch, self.group[1] * self.patch

    @property
    def group_grid(self) -> tuple[int, int]:
        """Rows and columns of groups in the whole frame, padding included."""
        return math.ceil(self.height / self.group_pixels[0]), self.width // self.group_pixels[1]

    @property
    def whole_grid(self) -> tuple[int, int]:
        """Rows and columns of patches in the whole frame, padding included."""
        return self.group_grid[0] * self.group[0], self.group_grid[1] * self.group[1]

    @property
    def groups(self) -> int:
        """Number of groups in the whole frame."""
        return math.prod(self.group_grid)


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
