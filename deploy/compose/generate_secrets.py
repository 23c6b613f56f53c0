"""Make the secrets of the Compose system once, as files that docker-compose.yml mounts.

    python3 deploy/compose/generate_secrets.py [STATE FOLDER]

Needs nothing but Python's standard library, so that `docker compose up` works without the project's venv. Run again,
it keeps what is there: the data in the volumes was made with it. Compose mounts these files as they are, and the
containers read them under other user ids; so the folder is closed to everybody else on the machine, the files are not.
"""  # noqa: INP001 - a script, no package

import base64
import os
import secrets
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "deploy" / "local" / "src"))
from local_stack.servers import rabbitmq_users, redis_users  # noqa: E402 - from the tree, with no venv

SERVICES = sorted(path.parent.name for path in REPOSITORY.glob("services/*/pyproject.toml"))
_ED25519_PKCS8_PREFIX = bytes.fromhex("302e020100300506032b657004220420")
"""What stands before the 32 random bytes of a key (RFC 8410 section 7 and the example of 10.3)."""


def signing_key() -> str:
    """A new Ed25519 private key as PEM (RFC 8032 section 5.1.5: any 32 random bytes are one)."""
    body = base64.b64encode(_ED25519_PKCS8_PREFIX + secrets.token_bytes(32)).decode()
    return f"-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n"


def generate(folder: Path) -> None:
    """Make what is missing, and bring in line what follows from it."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)

    def kept(name: str, new: str) -> str:
        path = folder / name
        if not path.exists():
            _replace(path, new)
        return path.read_text()

    def password(name: str) -> str:
        return kept(f"{name}_password", secrets.token_urlsafe(24))

    kept("signing_key.pem", signing_key())
    for name in ("webhooks_key", "second_factor_key", "signing_keys_key", "gateway_client_secret"):
        kept(name, base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
    password("postgres")
    password("grafana")
    redis, rabbitmq = password("redis"), password("rabbitmq")
    of_redis = {name: password(f"{name}_redis") for name in redis_users.names(SERVICES)}
    of_rabbitmq = {name: password(f"{name}_rabbitmq") for name in SERVICES}
    said = {name: rabbitmq_users.said_by(REPOSITORY, name) for name in SERVICES}
    follows = {
        f"{role}_database_url": f"postgresql://{role}:{password(role)}@postgres:5432/gatehouse"
        for service in SERVICES
        for role in (service, f"{service}_owner")
    }
    follows |= {f"{name}_redis_url": f"redis://{name}:{word}@redis:6379/0" for name, word in of_redis.items()}
    follows |= {f"{name}_amqp_url": f"amqp://{name}:{word}@rabbitmq:5672/" for name, word in of_rabbitmq.items()}
    follows |= {
        "redis.conf": f'requirepass "{redis}"\n' + redis_users.user_lines(of_redis),
        "rabbitmq_definitions.json": rabbitmq_users.definitions(rabbitmq, of_rabbitmq, said),
    }
    for name, content in follows.items():
        if kept(name, content) != content:
            _replace(folder / name, content)


def _replace(path: Path, content: str) -> None:
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.write_text(content)
    new.chmod(0o644)
    new.replace(path)


def main(arguments: list[str]) -> None:
    """Make them in the folder `compose/secrets` of the state folder (GATEHOUSE_STATE, else `.state`)."""
    state = Path(arguments[0] if arguments else os.environ.get("GATEHOUSE_STATE") or REPOSITORY / ".state")
    generate(state / "compose" / "secrets")


if __name__ == "__main__":
    main(sys.argv[1:])
