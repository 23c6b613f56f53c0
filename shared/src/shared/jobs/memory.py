"""A bound on the memory of one job's process.

RLIMIT_DATA counts what the process may write to (heap, stacks, private mappings; Linux 4.7 and later), and so
what a job needs; RLIMIT_AS would count the libraries and the address space that allocators only reserve too.
"""

import resource
from collections.abc import Callable
from typing import Any, TypeVar

from shared.jobs.types import JobFailed

ResultT = TypeVar("ResultT")

_MB = 1024 * 1024


class OutOfMemory(JobFailed):
    """The job needs more memory than it may have; another attempt would too."""


def run_limited(limit: int | None, function: Callable[..., ResultT], *args: Any) -> ResultT:
    """Run ``function(*args)`` in this process with at most ``limit`` MB of data; then the next job has its own.

    Raises OutOfMemory where the function raises MemoryError.
    """
    if limit is None:
        return function(*args)
    before = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (limit * _MB, before[1]))
    try:
        return function(*args)
    except MemoryError:
        raise OutOfMemory(f"The work needs more memory than the {limit} MB it may have.") from None
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)
