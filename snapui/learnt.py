"""Says which words of prompts a model has not learnt to read, and which model has learnt them.

Where a clip takes minutes, or clips come by the dozen, a misspelt word costs most: every tab says
so before anything is made.
"""

from collections.abc import Iterable
from html import escape
from pathlib import Path

from engine.catalog import find_model, list_models
from engine.errors import ModelError
from engine.request import GenerationRequest
from engine.vocabulary import Vocabulary


def vocabulary_of(model: str, models_directory: Path | None) -> Vocabulary:
    """Return what a model has learnt to read; an empty one, which says nothing, without it."""
    try:
        return find_model(model, models_directory).vocabulary
    except ModelError:    # said when something is to be made
        return Vocabulary()


def description_of(model: str, models_directory: Path | None) -> str:
    """Return what a model's README says of it first; nothing without either."""
    try:
        return find_model(model, models_directory).description
    except ModelError:
        return ""


def note(prompts: Iterable[str], model: str, models_directory: Path | None) -> str:
    """Tell which words are new to a model, and which model has learnt all; nothing if none is."""
    text = "\n".join(prompts)
    vocabulary = vocabulary_of(model, models_directory)
    told = vocabulary.note(text)
    if told and (other := taught(text, models_directory)):
        what = "it" if len(vocabulary.new_words(text)) == 1 else "all of them"
        told += f" The model {other} has learnt {what}."
    return told


def taught(text: str, models_directory: Path | None) -> str:
    """Name the first model that has learnt every word of a text; none that tells no words."""
    known = ((card.name, card.vocabulary) for card in list_models(models_directory))
    return next((name for name, vocabulary in known
                 if vocabulary.words and not vocabulary.new_words(text)), "")


def notes(requests: Iterable[GenerationRequest], models_directory: Path | None) -> list[str]:
    """Tell for each model of some requests which words of their prompts are new to it.

    Where several models are to be used each is named, and none besides them.
    """
    prompts: dict[str, list[str]] = {}
    for request in requests:
        prompts.setdefault(request.model, []).append(request.prompt)
    if len(prompts) == 1:
        (model, texts), = prompts.items()
        told = [note(texts, model, models_directory)]
    else:
        told = [_named(model, vocabulary_of(model, models_directory).note("\n".join(texts)))
                for model, texts in prompts.items()]
    return [one for one in told if one]


def paragraphs(lines: Iterable[str]) -> str:
    """Return notes as HTML."""
    return "".join(f'<p class="note">{escape(line)}</p>' for line in lines)


def _named(model: str, told: str) -> str:
    return told and f"{Path(model).name}: {told[0].lower()}{told[1:]}"
