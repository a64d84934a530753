"""Imports gradio in half its time, by leaving out what only an editor needs.

At every import gradio parses the source of each of its components and writes a .pyi stub beside
it: three of the five seconds its import takes on a two-core machine, and a write into
site-packages. This watches for the one module that does so and switches that one function off.
"""

import importlib.abc
import importlib.machinery
import sys
from types import ModuleType

STUB_WRITER = "gradio.component_meta"


class _WithoutStubs(importlib.abc.MetaPathFinder):
    """Finds the stub-writing module as usual, and switches its writer off once it is loaded."""

    def find_spec(self, name, path=None, target=None):
        """Return the module's ordinary spec with a second step after loading it."""
        if name != STUB_WRITER:
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def load_without_stubs(module: ModuleType) -> None:
                load(module)
                module.create_or_modify_pyi = lambda *_: None

            spec.loader.exec_module = load_without_stubs
        return spec


def leave_out_stubs() -> None:
    """Have the coming import of gradio write no editor stubs."""
    if STUB_WRITER not in sys.modules:
        sys.meta_path.insert(0, _WithoutStubs())
