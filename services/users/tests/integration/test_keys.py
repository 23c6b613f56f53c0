"""/.well-known/jwks.json, and what stops the start."""

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from shared.testing.waiting import PATIENCE_SECONDS


async def test_the_public_key(client: httpx.AsyncClient):
    answer = await client.get("/.well-known/jwks.json")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=300"
    [key] = answer.json()["keys"]
    assert set(key) == {"kty", "crv", "x", "kid", "alg", "use"}
    assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("OKP", "Ed25519", "EdDSA", "sig")
    again = await client.get("/.well-known/jwks.json", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["cache-control"] == "public, max-age=300"


def _start(environment: dict[str, str], **changes: str) -> subprocess.CompletedProcess[str]:
    wanted = {"PATH": os.environ["PATH"], **environment, **changes}
    return subprocess.run(
        [sys.executable, "-m", "users.main"],
        env={name: value for name, value in wanted.items() if value},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"SIGNING_KEYS_KEY": "short"}, "SIGNING_KEYS_KEY: must be 32 bytes in base64url"),
        ({"TOKEN_ALGORITHM": "HS256"}, "TOKEN_ALGORITHM"),
        ({"ENVIRONMENT": "production"}, "SIGNING_KEYS_KEY: production needs a key of its own"),
        (
            {"ENVIRONMENT": "production", "TOKEN_KEY_AHEAD_SECONDS": "300"},
            "TOKEN_KEY_AHEAD_SECONDS: must be 660 or more",
        ),
        ({"TOKEN_PRIVATE_KEY_FILE": "/nowhere/users.pem"}, "cannot be read"),
        ({"LIMITS_SCALE": "zero"}, "LIMITS_SCALE"),
    ],
)
def test_a_wrong_setting_stops_the_start(environment: dict[str, str], changes: dict[str, str], said: str):
    ended = _start(environment, **changes)
    assert ended.returncode == 1
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_key_open_to_others_stops_production(environment: dict[str, str], key_file: Path, tmp_path: Path):
    path = tmp_path / "open.pem"
    path.write_bytes(key_file.read_bytes())
    path.chmod(0o644)
    ended = _start(environment, ENVIRONMENT="production", TOKEN_PRIVATE_KEY_FILE=str(path))
    assert ended.returncode == 1
    assert "can be read by others" in ended.stderr
    assert "Traceback" not in ended.stderr
