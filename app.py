"""Starts the studio: `python app.py`, then open http://127.0.0.1:7860."""

import os
import sys


def main() -> int:
    """Read the flags and serve the page until interrupted. Returns: the exit code."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when gradio is imported
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from engine.errors import SnapError
    from snapui import quick_start, settings

    try:
        flags = settings.read(sys.argv[1:])
        quick_start.leave_out_stubs()
        from snapui import launch  # takes gradio's two seconds; a wrong flag should not

        launch.run(flags)
    except SnapError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
