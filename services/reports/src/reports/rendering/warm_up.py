"""Makes new rendering processes start quickly: each one is forked from one that has the libraries loaded."""

import os
from multiprocessing import forkserver
from pathlib import Path

_MODULES = [
    "reports.forecasting.process",
    "reports.rendering.finished_file",
    "reports.rendering.outlook_file",
    "reports.rendering.pdf_file",
    "reports.rendering.plot_file",
]


def warm_up(cache: Path) -> None:
    """Call before the pool starts. ``cache`` keeps what matplotlib knows of fonts, if nothing else does.

    A process that is killed (a cancelled report) is replaced at the cost of a fork, not of a second of
    imports; and without a writable home matplotlib would look through all fonts in each process.
    """
    os.environ.setdefault("MPLCONFIGDIR", str(cache))
    # The server of forks has one thread only if the linear algebra under matplotlib starts none.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    forkserver.set_forkserver_preload(_MODULES)
    # It loads beside the start of the worker, so that not even the first report waits for it.
    forkserver.ensure_running()
