"""Where deployments name the services: Compose, Kubernetes, Prometheus. Local processes find them by themselves."""

from new_service.insertions import Insertion, after, at_end, before, into_default, into_list
from new_service.names import Naming

_COMPOSE = "docker-compose.yml"
_BASE = "deploy/kubernetes/base"
_PRODUCTION = "deploy/kubernetes/production/kustomization.yaml"
_MANUAL = "deploy/kubernetes/README.md"
_URL = r" +[A-Z]+_URL: http://\w+:\d+"


def deploy_places(naming: Naming) -> list[Insertion]:
    """What is inserted for this service."""
    name, port = naming.name, naming.port
    url = f"{name.upper()}_URL: http://{name}:{port}\n"
    policies = f"{_BASE}/network.yaml"
    return [
        Insertion(_COMPOSE, "its settings", before("# Applies what the schema lacks", _environment(name))),
        Insertion(_COMPOSE, "its address for the gateway", after(_URL, f"      {url}")),
        Insertion(
            _COMPOSE,
            "its worker for the console",
            into_default("CONSOLE_METRICS", f"{name}-worker=http://{name}-worker:{port + 1}/metrics"),
        ),
        Insertion(_COMPOSE, "its containers", before("  postgres:$", _containers(naming))),
        Insertion(
            _COMPOSE,
            "the passwords of its roles",
            into_list(r"secrets: (?=\[postgres_password, )", f"{name}_password", f"{name}_owner_password"),
        ),
        Insertion(_COMPOSE, "its secrets", before("  redis_password: ", _secrets(name))),
        Insertion(
            "deploy/edge/compose.yml",
            "its issuer behind the edge",
            after(r"  \w+-worker: \{ environment: \*issuer \}", _edge(name)),
        ),
        Insertion(f"{_BASE}/kustomization.yaml", "its manifest", into_list("^resources: ", f"{name}.yaml")),
        Insertion(policies, "who calls it", into_list(_values("services-from-gateway"), name)),
        Insertion(policies, "that it fetches keys", into_list(_values("users-from-services"), name)),
        Insertion(policies, "who looks at its worker", into_list(_values("workers-from-monitoring"), f"{name}-worker")),
        Insertion(f"{_BASE}/settings.yaml", "its address for the gateway", after(_URL, f"  {url}")),
        Insertion(
            "deploy/kubernetes/production/kustomization.yaml", "its image", after("  - { name: .*", _image(name))
        ),
        Insertion(_MANUAL, "its Secrets", before(r"\| `gateway-tls`", _owners(name))),
        Insertion("deploy/observability/prometheus.yml", "its processes", at_end(_jobs(naming))),
    ]


def _values(policy: str) -> str:
    """The way to the names in a policy."""
    return rf"name: {policy} \}}(?:(?!\n---)[\s\S])*?values: "


def _environment(name: str) -> str:
    return f"""x-{name}-environment: &{name}-environment
  <<: *service-environment
  DATABASE_URL_FILE: /run/secrets/{name}_database_url
  {name.upper()}_LIMIT:

"""


def _containers(naming: Naming) -> str:
    name, port, upper = naming.name, naming.port, naming.name.upper()
    image = f"${{{upper}_IMAGE:-gatehouse/{name}:local}}"
    build = f"{{ context: ., dockerfile: services/{name}/Dockerfile, args: *build-arguments }}"
    owner = f"/run/secrets/{name}_owner_database_url"
    migrated = f"{{ <<: *servers, {name}-migrations: {{ condition: service_completed_successfully }} }}"
    return f"""  {name}-migrations:
    <<: *migrations
    image: {image}
    build: {build}
    command: [python, -m, {name}.migrate]
    environment: {{ LOG_LEVEL: "${{LOG_LEVEL:-INFO}}", DATABASE_OWNER_URL_FILE: {owner} }}
    secrets: [{name}_owner_database_url]
    tmpfs: ["/tmp:mode=1777,size=16m"]

  {name}:
    <<: *service
    image: {image}
    build: {build}
    environment: {{ <<: *{name}-environment, HTTP_PORT: "{port}" }}
    secrets: &{name}-secrets [{name}_database_url, {_of_its_user(name, "redis_url")}, {_of_its_user(name, "amqp_url")}]
    ports: ["127.0.0.1:${{{upper}_PORT:-{port}}}:{port}"]
    depends_on: {migrated}
  {name}-worker:
    <<: *worker
    image: {image}
    command: [python, -m, {name}.worker]
    environment: {{ <<: *{name}-environment, HTTP_PORT: "{port + 1}" }}
    secrets: *{name}-secrets
    depends_on: {migrated}

"""


def _of_its_user(name: str, kind: str) -> str:
    return f"{{ source: {name}_{kind}, target: {kind} }}"


def _secrets(name: str) -> str:
    kinds = ("password", "owner_password", "owner_database_url", "database_url", "redis_url", "amqp_url")
    folder = "${GATEHOUSE_STATE:-./.state}/compose/secrets"
    return "".join(f'  {name}_{kind}: {{ file: "{folder}/{name}_{kind}" }}\n' for kind in kinds)


def _edge(name: str) -> str:
    return f"  {name}: {{ environment: *issuer }}\n  {name}-worker: {{ environment: *issuer }}\n"


def _image(name: str) -> str:
    return f"  - {{ name: gatehouse/{name}, newName: registry.example.com/gatehouse/{name}, newTag: 1.0.0 }}\n"


def _owners(name: str) -> str:
    return (
        f"| `{name}`, `{name}-worker` | `database_url`, `redis_url`, `amqp_url` |\n"
        f"| `{name}-owner` | `owner_database_url` |\n"
    )


def _jobs(naming: Naming) -> str:
    processes = ((naming.name, naming.port), (f"{naming.name}-worker", naming.port + 1))
    return "".join(
        f"  - job_name: {job}\n"
        f"    dns_sd_configs: [{{ names: [{job}], type: A, port: {port}, refresh_interval: 15s }}]\n"
        for job, port in processes
    )
