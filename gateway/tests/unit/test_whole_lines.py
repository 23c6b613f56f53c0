"""Lines of several processes in one pipe."""

import os
import subprocess
import sys

from shared.testing.waiting import PATIENCE_SECONDS

WRITER = """
import sys
from gateway.workers.whole_lines import write_whole_lines
write_whole_lines()
line = (sys.argv[1] * 300 + "\\n").encode()
print(sys.argv[1] * 300)
for _ in range(60):
    sys.stdout.buffer.write(line * 300)
    sys.stdout.buffer.flush()
"""


def test_batches_of_several_processes_are_not_mixed_within_a_line():
    reading, writing = os.pipe()
    processes = [subprocess.Popen([sys.executable, "-c", WRITER, letter], stdout=writing) for letter in "abc"]
    os.close(writing)
    with open(reading, "rb") as pipe:  # noqa: PTH123 - a descriptor
        lines = pipe.read().splitlines()
    assert {process.wait(PATIENCE_SECONDS) for process in processes} == {0}
    assert {line: lines.count(line) for line in set(lines)} == {
        letter * 300: 60 * 300 + 1 for letter in (b"a", b"b", b"c")
    }
