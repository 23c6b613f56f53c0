"""``python -m shared.contracts system [--check]`` and ``... compatible``, from the root of the repository.

``system`` writes docs/asyncapi.json of all services. ``compatible`` refuses a schema that breaks consumers of
the committed one: of the last commit, of where the branch left main, and of the last release.
A service that is gone as a whole promises nothing any more.
"""

import argparse
import json
from pathlib import Path

from shared.contracts.committed import write_or_check
from shared.contracts.compatibility import breaks
from shared.contracts.history import NoHistoryError, baselines, schemas_at
from shared.contracts.schemas import ContractError, read_schemas
from shared.contracts.system import system_document


def main() -> None:
    """Run the command; SystemExit with what is wrong."""
    parser = argparse.ArgumentParser(prog="python -m shared.contracts", description=__doc__)
    parser.add_argument("command", choices=["system", "compatible"])
    parser.add_argument("--check", action="store_true", help="write nothing, fail on drift")
    parser.add_argument("--root", type=Path, default=Path(), help="the root of the repository")
    chosen = parser.parse_args()
    try:
        if chosen.command == "system":
            _system(chosen.root, check=chosen.check)
        else:
            _compatible(chosen.root)
    except ContractError as error:
        raise SystemExit(f"contracts: {error}") from None
    except NoHistoryError as error:
        print(f"contracts: {error}")


def _system(root: Path, *, check: bool) -> None:
    services = root / "services"
    documents = [json.loads(path.read_text()) for path in sorted(services.glob("*/asyncapi.json"))]
    document = system_document(documents, read_schemas(services))
    command = "python -m shared.contracts system"
    write_or_check(document, root / "docs" / "asyncapi.json", check=check, command=command)


def _compatible(root: Path) -> None:
    wrong: dict[str, None] = {}
    for commit in baselines(root):
        for path, old in schemas_at(root, commit).items():
            current = root / path
            if not current.parents[1].joinpath("pyproject.toml").exists():
                continue
            if not current.exists():
                wrong[f"{path} is gone: it was a promise, kept in queues and in the log"] = None
                continue
            wrong.update((f"{path}: {line}", None) for line in breaks(old, json.loads(current.read_text())))
    if wrong:
        advice = "A change that breaks is a new type beside the old one, such as orders.placed.v2."
        raise SystemExit("\n".join(["contracts: a consumer would break", *(f"  {line}" for line in wrong), advice]))


if __name__ == "__main__":
    main()
