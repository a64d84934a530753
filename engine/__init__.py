"""Snap Video from scratch: a request becomes text tokens, a small clip, a large clip, a file.

Read in this order: diffusion/noise, diffusion/preconditioning, sampling/samplers, model/fit,
stage, cascade, generate. Importing the package loads nothing heavy.

One axis alphabet, in einops patterns, comments and docstrings everywhere:

    b c t h w   video: batch, channels, frames, rows, columns
    g n d       groups, patch tokens per group, patch width
    m e         latent tokens, latent width
    l k         text (context) tokens, context width
"""

import os

# Intel's matrix library else divides sums among threads on some processors: one thread and two
# would make different bits. It reads this when it first computes.
os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")
