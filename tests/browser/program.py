"""The real program with a worker whose engine only pretends: quick, and needs no model."""

import os
import sys


def main() -> None:
    """Serve the page as app.py does, with the stand-in worker."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    from snapui import quick_start, settings
    quick_start.leave_out_stubs()
    from snapui import launch
    flags = settings.read(sys.argv[1:])
    launch.run(flags, [sys.executable, "-m", "tests.snapui.stand_in", "--database",
                       flags.database, "--output-directory", str(flags.output_directory)])


if __name__ == "__main__":
    main()
