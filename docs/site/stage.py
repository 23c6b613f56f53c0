"""Stages the repository's pages for the site: ``python docs/site/stage.py TARGET``.

Every page stays at its path, so that links hold as they stand. What a page links to and is no page comes along: a file
as it is, a folder as a page that lists it. A relative link that leads nowhere is an error; addresses elsewhere are
listed in ``external-links.txt`` and not asked for.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
_LINK = re.compile(r"(\]\()([^)\s]+)(\))")
_CODE = re.compile(r"```.*?```|`[^`\n]*`(?!\])", re.DOTALL)


class Stage:
    """What was staged so far, and what is wrong with it."""

    def __init__(self, target: Path) -> None:
        self.source = target / "source"
        self.problems: list[str] = []
        self.external: set[str] = set()
        shutil.rmtree(target, ignore_errors=True)
        self.source.mkdir(parents=True)
        shutil.copy(Path(__file__).parent / "zensical.toml", target)

    def page(self, page: Path) -> None:
        """Copy one page of the repository; links to folders lead to their pages."""
        text = page.read_text()
        kept = [code[0] for code in _CODE.finditer(text)]
        bare = _LINK.sub(lambda link: link[1] + self.followed(page, link[2]) + link[3], _CODE.sub("\0", text))
        parts = bare.split("\0")
        whole = parts[0] + "".join(code + part for code, part in zip(kept, parts[1:], strict=True))
        staged = self.source / page.relative_to(ROOT)
        staged.parent.mkdir(parents=True, exist_ok=True)
        staged.write_text(whole)

    def followed(self, page: Path, link: str) -> str:
        """The link as it is in the site; what it leads to comes along."""
        if "://" in link or link.startswith("mailto:"):
            self.external.add(link)
            return link
        path, mark, anchor = link.partition("#")
        linked = (page.parent / path).resolve()
        if not path or linked.suffix == ".md":
            return link
        if not linked.is_relative_to(ROOT) or not linked.exists():
            self.problems.append(f"{page.relative_to(ROOT)}: {link} leads nowhere")
            return link
        staged = self.source / linked.relative_to(ROOT)
        if linked.is_dir():
            if not (linked / "README.md").exists():
                self._listing(linked, staged)
            return f"{path.rstrip('/')}/README.md{mark}{anchor}"
        staged.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(linked, staged)
        return link

    def _listing(self, folder: Path, staged: Path) -> None:
        staged.mkdir(parents=True, exist_ok=True)
        lines = [f"# {folder.relative_to(ROOT)}", ""]
        for one in sorted(tracked(folder)):
            name = one.relative_to(folder).as_posix()
            if one.suffix == ".md":
                title = one.read_text().partition("\n")[0].lstrip("# ")
                lines.append(f"- [{title}]({name})")
            else:
                (staged / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(one, staged / name)
                lines.append(f"- [`{name}`]({name})")
        (staged / "README.md").write_text("\n".join(lines) + "\n")


def nav_problems(pages: list[Path]) -> list[str]:
    """Pages of docs/ that the navigation leaves out; those of a folder of its own are on its page."""
    nav = (Path(__file__).parent / "zensical.toml").read_text()
    names = [page.relative_to(ROOT).as_posix() for page in pages if page.parent == ROOT / "docs"]
    return [f"{name} does not stand in the navigation (docs/site/zensical.toml)" for name in names if name not in nav]


def tracked(folder: Path) -> list[Path]:
    """The files of a folder that git knows."""
    listed = subprocess.run(["git", "ls-files", "-z", "."], cwd=folder, capture_output=True, text=True, check=True)
    return [folder / name for name in listed.stdout.split("\0") if name and (folder / name).is_file()]


def main() -> int:
    """Exit status 1, and each dead link on a line, when there are any."""
    target = Path(sys.argv[1])
    stage = Stage(target)
    pages = [page for page in tracked(ROOT) if page.suffix == ".md"]
    for page in pages:
        stage.page(page)
    stage.problems += nav_problems(pages)
    (target / "external-links.txt").write_text("".join(f"{link}\n" for link in sorted(stage.external)))
    for problem in stage.problems:
        print(problem, file=sys.stderr)
    return 1 if stage.problems else 0


if __name__ == "__main__":
    sys.exit(main())
