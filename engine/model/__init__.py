"""The network: attention, embeddings, patch layout, one block, and FIT."""

from engine.model.config import FITConfig
from engine.model.embedding import IMAGE_FPS, Conditions
from engine.model.fit import FIT, Carry, Part, Told
from engine.model.patching import known_channels

__all__ = ["FIT", "IMAGE_FPS", "Carry", "Conditions", "FITConfig", "Part", "Told", "known_channels"]
