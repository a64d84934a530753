"""Every error the engine raises on purpose, and the one signal that is not an error.

    SnapError                 a sentence for the user: what happened and what to do
    |-- RequestError          a field of a request is out of range or of the wrong kind
    |-- ModelError            a model folder is missing, incomplete or does not match its config
    |-- MediaError            a file cannot be read or written as the format its name promises
    |-- DataError             training data is missing, unreadable or has no captions
    `-- Cancelled             the user stopped the work; nothing failed and nothing is kept
"""


class SnapError(Exception):
    """Base of all errors whose message is written for the user."""


class RequestError(SnapError):
    """A request field is out of range or of the wrong kind."""


class ModelError(SnapError):
    """A model folder is missing, incomplete or does not match its config."""


class MediaError(SnapError):
    """A media file cannot be read or written."""


class DataError(SnapError):
    """Training data is missing, unreadable or has no captions."""


class Cancelled(SnapError):
    """The user stopped the work; nothing failed and nothing is kept."""
