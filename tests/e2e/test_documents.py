"""The commands of the README and of the guides run as they stand there, in order, against a running system."""

import re
import subprocess
from pathlib import Path

import pytest
from container_system import ContainerSystem
from e2e_system import System
from page_commands import Command, commands

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", "docs/tour.md", "docs/api-guide.md", "docs/operations.md", "CONTRIBUTING.md"]
NOT_RUN = {
    r"make (up|demo|down|clean)\b": "the system of this run is up; .ci/run has them on a bare Debian",
    r"make (check|audit|test|chaos)\b": "each is a stage of .ci/run",
    r"make (test-\w+|fuzz|bench)\b": "minutes each, and parts of the stages of .ci/run",
    r"make deploy\b": "test_deploys.py has it",
    r"make restart\b": "test_faults.py restarts what it kills",
    r"make (setup|format|docs)\b": "changes this checkout; `make docs` is part of make check",
    r"git ": "needs a repository of one's own",
}
"""What is left out, and why. A target of make must exist all the same."""
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
# An answer that is no good ends the script, unless the page says so; each status is told in order.
PREAMBLE = """set -euo pipefail
curl() { command curl -w '%{stderr}\\nanswered %{http_code}\\n' "$@"; }
"""


def left_out(command: Command) -> bool:
    return any(re.match(pattern, command.text) for pattern in NOT_RUN)


def run_page(page: str, system: System) -> tuple[list[Command], subprocess.CompletedProcess[str]]:
    wanted = [command for command in commands(ROOT / page) if not left_out(command)]
    script = PREAMBLE + "\n".join(command.text for command in wanted)
    script = script.replace("http://127.0.0.1:8000", system.gateway)
    environment = {**system.environment, "GATEHOUSE_STATE": str(system.state)}
    done = subprocess.run(
        ["bash", "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    return wanted, done


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_run(page: str, breakable: System):
    if page == "docs/operations.md" and isinstance(breakable, ContainerSystem):
        pytest.skip("its backup is of the servers of local mode, as it says")
    wanted, done = run_page(page, breakable)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    answered = [int(status) for status in re.findall(r"^answered (\d+)$", done.stderr, re.MULTILINE)]
    expected = [(status, command.text) for command in wanted for status in command.statuses]
    assert len(answered) == len(expected), done.stderr[-3000:]
    wrong = [
        (status, text)
        for status, (said, text) in zip(answered, expected, strict=True)
        if (status != said if said else status >= 400)
    ]
    assert wrong == []


@pytest.mark.parametrize("page", PAGES)
def test_what_is_not_run_is_there(page: str):
    for command in commands(ROOT / page):
        for target in re.findall(r"^make ([a-z][a-z-]*)", command.text, re.MULTILINE):
            assert target in TARGETS, command.text
