"""The shape of a FIT, checked before anything is built."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields

from engine.model.reader import READING_WIDTH
from engine.model.refiner import CELL

# Settings that may be 0, for none of it.
OPTIONAL = {"condition_channels", "global_layers", "local_kernel", "overlap", "refiner_width",
            "refiner_blocks", "refiner_levels", "refiner_before", "convolutions", "text_layers"}


@dataclass(frozen=True)
class FITConfig:
    """Shape of a FIT (paper Table 8). Sizes in pixels are of one input clip.

    group: rows and columns of patches in a group; a group spans all frames.
    n_latents: total over all groups.
    shared_positions: one position table for every group instead of one for the frame.
    local_kernel, local_apart (from the second block on), frame_attention, place_attention,
    overlap, pixel_skip, factorised_positions, placed, modulated, text_norm, text_layers (which read
    the text before all else), pooled_text, overview, convolutions (blocks of dense ones over
    patches, in every FIT block), refiner_width (of convolutions finer than patches),
    refiner_before (blocks of those whose cells patches are told of), refiner_levels (coarser ones
    beside them, each half as fine and twice as wide), known_frames (the network also sees the
    frames of the clip that are given, and which they are): ours, off in the paper's presets.
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
    text_layers: int = 0
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
        yield (self.text_layers and self.text_width % READING_WIDTH,
               f"text_layers need a text_width of whole heads of {READING_WIDTH}, not "
               f"{self.text_width}")
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
