"""Longer and smoother clips by known frames, hierarchically (paper App. C.5).

`request` says what is wanted and `plan` which windows that takes: both are light and load no torch.
`run` makes the windows with a cascade.
"""
