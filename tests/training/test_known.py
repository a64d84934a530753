from collections import Counter

import torch

from engine.training.known import known_masks


def test_a_share_of_the_clips_has_known_frames_of_every_kind_and_something_left_to_make():
    masks = known_masks(4000, 7, 0.25, torch.Generator().manual_seed(3))
    some = masks[masks.any(dim=1)]
    assert 0.2 < len(some) / 4000 < 0.27           # some draws of "any" hold none
    assert not some.all(dim=1).any()
    wanted = ("1000000", "1110000", "1000001", "1010101", "0100000")
    kinds = Counter("".join(map(str, row.int().tolist())) for row in some)
    assert set(wanted) <= kinds.keys()
    assert kinds["1000000"] > 2 * kinds["1110000"]    # to go on, one frame more often than many
    for frames, share in ((7, 0.0), (1, 1.0)):
        assert not known_masks(100, frames, share, torch.Generator().manual_seed(3)).any()
