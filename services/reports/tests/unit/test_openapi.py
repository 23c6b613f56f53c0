import subprocess
import sys


def test_the_committed_document_is_the_codes():
    subprocess.run([sys.executable, "-m", "reports.openapi", "--check"], check=True)
