"""Turn any error into what the artist reads: what happened and what to do, in one sentence.

Errors the engine raises on purpose already are such sentences. Anything else that is known gets
one here; the unknown is named shortly and its traceback goes to the log, never to the page.
The worker speaks these sentences too, so nothing here needs the page.
"""

import errno
import logging

import peewee

from engine.errors import SnapError

logger = logging.getLogger(__name__)


def sentence(error: BaseException) -> str:
    """Return what happened and what to do next, never empty."""
    if isinstance(error, SnapError) and str(error).strip():
        return str(error)
    if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
        return "Memory ran out: make fewer drafts at once, or close other programs, and run again."
    if isinstance(error, OSError):
        return _disk_sentence(error)
    if isinstance(error, peewee.OperationalError) and "is full" in str(error):
        return "The disk with the job journal is full: free some space and try again."
    if isinstance(error, peewee.OperationalError) and "readonly" in str(error):
        return ("The job journal cannot be written to: change its permissions, or name another "
                "with --database.")
    if isinstance(error, peewee.OperationalError):
        return (f"The job journal did not answer ({error}): close other programs that use it, "
                "then try again.")
    return (f"Something unexpected went wrong ({type(error).__name__}). Nothing made before is "
            "lost; the terminal shows the details to report.")


def _disk_sentence(error: OSError) -> str:
    where = f" ({error.filename})" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk is full{where}: free some space and run it again."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return (f"The output folder cannot be written to{where}: change its permissions or name "
                "another with --output-directory.")
    return f"A file could not be read or written{where}: {error.strerror or type(error).__name__}."


def log_unexpected(error: BaseException) -> None:
    """Write the traceback of an error nobody raised on purpose to the log."""
    if not isinstance(error, SnapError):
        logger.error("unexpected error", exc_info=error)
