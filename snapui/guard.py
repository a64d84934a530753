"""Wraps every handler of the page: an error becomes a sentence and changes nothing else."""

import functools
from collections.abc import Callable
from html import escape
from typing import Any

import gradio as gr

from snapui.messages import log_unexpected, sentence


def guarded(handler: Callable[..., Any], *, has_outputs: bool = True) -> Callable[..., Any]:
    """Return the handler with its errors shown as a message instead of a traceback.

    Gradio shows messages of queued events only, and shows them as HTML.
    has_outputs: whether there is anything to leave as it is; Gradio logs a warning if not.
    """
    @functools.wraps(handler)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return handler(*args, **kwargs)
        except Exception as error:
            log_unexpected(error)
            gr.Warning(escape(sentence(error)), title="Please check")
            return gr.skip() if has_outputs else None
    return wrapped


def answered(method: Callable[..., dict]) -> Callable[..., dict]:
    """Return a function that the page's script may call, with an error as its answer.

    gradio marks such functions, which a method cannot be. It hands over what the page asks, and
    the browser's request to a method that takes one.
    """
    @functools.wraps(method)
    def wrapped(asked: dict, *request: gr.Request) -> dict:
        try:
            return method(asked, *request)
        except Exception as error:
            log_unexpected(error)
            return {"error": sentence(error)}
    return wrapped


def told(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Return an endpoint of the API with its errors told to the caller as one sentence."""
    @functools.wraps(handler)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return handler(*args, **kwargs)
        except Exception as error:
            log_unexpected(error)
            raise gr.Error(sentence(error), print_exception=False) from None
    return wrapped
