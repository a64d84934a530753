"""`python -m benchmarks NAME`: measure one thing on this machine."""

import argparse
import importlib
import sys
from pathlib import Path

from engine.errors import SnapError
from engine.presets import PRESETS

MODULES = {"base": "base", "upsampler": "upsampler", "fit_vs_unet": "fit_vs_unet",
           "training": "training", "import": "import_time", "load": "load", "long": "long"}


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    p = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    p.add_argument("name", choices=sorted(MODULES))
    p.add_argument("--model", type=Path, default=Path("assets/storybook"),
                   help="model folder; random weights where it has none")
    p.add_argument("--sprites", type=Path, default=Path("../shared/storybook"),
                   help="folder of the storybook sprites, for training")
    p.add_argument("--scale", type=float,
                   help="factor on the widths of both networks, for fit_vs_unet")
    p.add_argument("--seconds", type=float, nargs="+", default=(4.0, 8.0, 16.0, 32.0),
                   help="durations of the clips, for long")
    p.add_argument("--preset", default="", choices=sorted(PRESETS),
                   help="random weights of this preset instead of the model's, for long")
    p.add_argument("--upscale", action="store_true", help="make the clips large too, for long")
    p.add_argument("--repeats", type=int, default=5, help="times each thing is measured")
    return p


def main() -> int:
    """Run one benchmark and return its exit code."""
    options = parser().parse_args()
    try:
        importlib.import_module(f"benchmarks.{MODULES[options.name]}").measure(options).publish()
    except SnapError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
