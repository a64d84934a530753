"""The U-Net the paper measures FIT against (its Table 7, 284 M parameters), of diffusers' blocks.

An image U-Net after ADM and Imagen (residual blocks with scale and shift by the noise level, and
residual blocks that halve and double; spatial self-attention and text cross-attention from half
the resolution down) made to see time as in video diffusion models: a temporal attention follows
every spatial one. Our notes on the paper give its size and kind but not its widths, so the shape
is ours: ADM's for 64 px (width 192 times 1, 2, 3, 4; heads of 64 channels; 296 M parameters with
three blocks a resolution and no text or time) with two blocks a resolution, which, text and time
attention added, has 284 M.
"""

import torch
from diffusers.models.attention_processor import Attention
from diffusers.models.embeddings import TimestepEmbedding, Timesteps
from diffusers.models.resnet import ResnetBlock2D
from einops import rearrange
from torch import Tensor, nn

MULTIPLIERS = (1, 2, 3, 4)
BLOCKS = 2
HEAD_WIDTH = 64
WIDTH = 192


class SpaceTimeAttention(nn.Module):
    """Attention within a frame, to the text, and over the frames at each position."""

    def __init__(self, width: int, context_width: int):
        super().__init__()
        shared = dict(heads=max(1, width // HEAD_WIDTH), dim_head=HEAD_WIDTH,
                      norm_num_groups=32, residual_connection=True)
        self.space = Attention(width, **shared)
        self.text = Attention(width, cross_attention_dim=context_width, **shared)
        self.time = Attention(width, **shared)

    def forward(self, frames: Tensor, context: Tensor, t: int) -> Tensor:
        """frames: (b t, c, h, w); context: (b t, l, k)."""
        h = frames.shape[2]
        frames = self.text(self.space(frames), context)
        tracks = rearrange(frames, "(b t) c h w -> (b h w) t c", t=t)
        return rearrange(self.time(tracks), "(b h w) t c -> (b t) c h w", h=h, w=frames.shape[3])


class Layer(nn.Module):
    """A residual block and, at the lower resolutions, attention.

    resize: "down" halves and "up" doubles rows and columns; "" keeps them.
    """

    def __init__(self, inputs: int, outputs: int, embedding: int,
                 context_width: int | None = None, *, resize: str = ""):
        super().__init__()
        self.doubles = resize == "up"
        self.resnet = ResnetBlock2D(
            in_channels=inputs, out_channels=outputs, temb_channels=embedding,
            time_embedding_norm="scale_shift", up=resize == "up", down=resize == "down")
        self.attention = SpaceTimeAttention(outputs, context_width) if context_width else None

    def forward(self, frames: Tensor, embedding: Tensor, context: Tensor, t: int) -> Tensor:
        """frames: (b t, c, h, w); embedding: (b t, e)."""
        frames = self.resnet(frames, embedding)
        return frames if self.attention is None else self.attention(frames, context, t)


class VideoUNet(nn.Module):
    """F of a clip by a U-Net over its frames."""

    def __init__(self, width: int = WIDTH, context_width: int = 1024, channels: int = 3):
        super().__init__()
        embedding = 4 * width
        self.sinusoids = Timesteps(width, flip_sin_to_cos=True, downscale_freq_shift=0)
        self.embed = TimestepEmbedding(width, embedding)
        self.stem = nn.Conv2d(channels, width, 3, padding=1)
        widths = [width * m for m in MULTIPLIERS]

        # down: what each layer and each halving gives is handed over to the way up
        self.down, handed, now = nn.ModuleList(), [width], width
        for level, wide in enumerate(widths):
            context = context_width if level else None
            for _ in range(BLOCKS):
                self.down.append(Layer(now, wide, embedding, context))
                now = wide
                handed.append(now)
            if level < len(widths) - 1:
                self.down.append(Layer(now, now, embedding, resize="down"))
                handed.append(now)
        self.middle = nn.ModuleList((Layer(now, now, embedding, context_width),
                                     Layer(now, now, embedding)))
        self.up = nn.ModuleList()
        for level, wide in reversed(list(enumerate(widths))):
            context = context_width if level else None
            for _ in range(BLOCKS + 1):
                self.up.append(Layer(now + handed.pop(), wide, embedding, context))
                now = wide
            if level:
                self.up.append(Layer(now, now, embedding, resize="up"))
        self.head = nn.Sequential(nn.GroupNorm(32, now), nn.SiLU(),
                                  nn.Conv2d(now, channels, 3, padding=1))

    def forward(self, video: Tensor, c_noise: Tensor, text_tokens: Tensor) -> Tensor:
        """video: (b, c, t, h, w); c_noise: (b,); text_tokens: (b, l, k). Returns: like video."""
        t = video.shape[2]
        embedding = self.embed(self.sinusoids(1000 * c_noise)).repeat_interleave(t, 0)
        context = text_tokens.repeat_interleave(t, 0)                        # (b t, l, k)
        frames = self.stem(rearrange(video, "b c t h w -> (b t) c h w"))
        handed = [frames]
        for layer in self.down:
            frames = layer(frames, embedding, context, t)
            handed.append(frames)
        for layer in self.middle:
            frames = layer(frames, embedding, context, t)
        for layer in self.up:
            if not layer.doubles:
                frames = torch.cat((frames, handed.pop()), 1)
            frames = layer(frames, embedding, context, t)
        return rearrange(self.head(frames), "(b t) c h w -> b c t h w", t=t)
