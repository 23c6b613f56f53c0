"""``python -m client_generator`` writes models and resources; with ``--check`` it exits with 1 when one is old."""

import sys

from client_generator.documents import Drift
from client_generator.modules import FOLDER, modules


def main() -> None:
    """Write or check all."""
    check = sys.argv[1:] == ["--check"]
    try:
        made = modules()
    except Drift as drift:
        sys.exit(f"the client can't follow the API: {drift}")
    old = {path for folder in ("models", "resources") for path in (FOLDER / folder).glob("*.py")} - made.keys()
    if check:
        wrong = [path for path, text in made.items() if not path.exists() or path.read_text() != text]
        if wrong := sorted(path.relative_to(FOLDER).as_posix() for path in [*wrong, *old]):
            sys.exit(f"not as the OpenAPI documents say: {', '.join(wrong)}; make client writes them")
        return
    for path in old:
        path.unlink()
    for path, text in made.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    main()
