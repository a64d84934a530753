"""Keeps work from being lost to a journal that does not answer for a while.

A disk that is full, a folder that became read-only, a program that locks the database and a server
that starts again all pass. What a worker has made is worth waiting for; how far it is, is not. The
connection may be what is broken, so the next try opens its own.
"""

import functools
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import peewee

from snapui.messages import sentence

AGAIN_SECONDS = 1.0
logger = logging.getLogger(__name__)


def waits(write: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function of a journal so that it tries again until the journal answers.

    It returns None once the journal's `giving_up` is set; what was not written is then found at
    the next start, as if the process had died.
    """
    @functools.wraps(write)
    def patient(journal: Any, *args: Any, **kwargs: Any) -> Any:
        has_said = False
        while True:
            try:
                return write(journal, *args, **kwargs)
            except peewee.OperationalError as error:
                if not has_said:
                    logger.warning("waiting for the journal: %s", sentence(error))
                    has_said = True
            _disconnect(journal)
            if journal.giving_up.wait(AGAIN_SECONDS):
                return None
    return patient


def goes_on_without(otherwise: Any = None) -> Callable[[Callable], Callable]:
    """Return what makes the function of a journal return `otherwise` while it does not answer."""
    def made(ask: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(ask)
        def impatient(*args: Any, **kwargs: Any) -> Any:
            try:
                return ask(*args, **kwargs)
            except peewee.OperationalError:
                _disconnect(args[0])
                return otherwise
        return impatient
    return made


def _disconnect(journal: Any) -> None:
    with suppress(peewee.PeeweeException):
        journal.close()
