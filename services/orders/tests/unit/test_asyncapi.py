"""The committed AsyncAPI document is the code's."""

import subprocess
import sys


def test_the_committed_document_is_the_codes():
    command = [sys.executable, "-m", "orders.asyncapi", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
