"""The manifests: valid as Kubernetes reads them, as closed as ours are meant to be, and complete."""

import base64
import os
import re
import secrets
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

HERE = Path(__file__).parents[2]
REPOSITORY = HERE.parents[1]
OLDEST, NEWEST = "1.28", "1.34"

pytestmark = pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl, which renders them, is not here")


@pytest.fixture(scope="module")
def manifests() -> list[dict[str, Any]]:
    """What kustomize makes of production/."""
    command = ["kubectl", "kustomize", str(HERE / "production")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


SERVICES = sorted(path.parent.name for path in REPOSITORY.glob("services/*/pyproject.toml"))
SETTINGS = {
    "gateway": "from gateway.cli_run import _settings; assert _settings({})",
    **{name: f"from {name}.settings import {name.title()}Settings; {name.title()}Settings()" for name in SERVICES},
    **{
        f"{name}-worker": f"from {name} import settings as s; getattr(s, 'WorkerSettings', s.{name.title()}Settings)()"
        for name in SERVICES
    },
}
"""How a process reads its settings, which in production refuses what is not safe."""

PASSWORD = secrets.token_urlsafe(24)
KEY = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
FILES = {
    "database_url": f"postgresql://someone:{PASSWORD}@postgres:5432/gatehouse",
    "redis_url": f"redis://:{PASSWORD}@redis:6379/0",
    "amqp_url": f"amqp://someone:{PASSWORD}@rabbitmq:5672/",
    "smtp_url": "smtp://mail.example.com:587",
    "webhooks_key": KEY,
    "second_factor_key": KEY,
    "gateway_client_secret": KEY,
    "signing_keys_key": KEY,
    "signing_key.pem": "read by the API alone",
}


def of_kind(manifests: list[dict[str, Any]], *kinds: str) -> dict[str, dict[str, Any]]:
    return {found["metadata"]["name"]: found for found in manifests if found["kind"] in kinds}


def pods(manifests: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: found["spec"]["template"]["spec"] for name, found in of_kind(manifests, "Deployment", "Job").items()}


def settings_of(manifests: list[dict[str, Any]], name: str) -> dict[str, str]:
    """The environment of a process: its ConfigMaps and its own."""
    container = pods(manifests)[name]["containers"][0]
    maps = of_kind(manifests, "ConfigMap")
    found: dict[str, str] = {}
    for source in container.get("envFrom", ()):
        found |= maps[source["configMapRef"]["name"]]["data"]
    return found | {variable["name"]: variable["value"] for variable in container.get("env", ())}


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_kubernetes_takes_each(manifests: list[dict[str, Any]], version: str):
    for manifest in manifests:
        kubernetes_validate.validate(manifest, version, strict=True)


def test_a_mistake_is_seen(manifests: list[dict[str, Any]]):
    deployment = next(found for found in manifests if found["kind"] == "Deployment")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**deployment, "spec": {**deployment["spec"], "replica": 2}}, NEWEST, strict=True)


def test_pods_are_closed(manifests: list[dict[str, Any]]):
    for name, pod in pods(manifests).items():
        assert pod["securityContext"]["runAsNonRoot"], name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["enableServiceLinks"] is False, name
        [container] = pod["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name
        assert container["resources"]["limits"]["memory"], name
        assert container["resources"]["requests"]["cpu"], name


def test_processes_are_probed_and_have_time_to_end(manifests: list[dict[str, Any]]):
    for name in of_kind(manifests, "Deployment"):
        pod = pods(manifests)[name]
        [container] = pod["containers"]
        assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready", name
        assert container["livenessProbe"]["httpGet"]["path"] == "/health/live", name
        settings = settings_of(manifests, name)
        ending = int(settings["HTTP_NOT_READY_SECONDS"]) + int(settings["HTTP_DRAIN_SECONDS"])
        assert pod["terminationGracePeriodSeconds"] > ending, name
        assert container["ports"] == [{"name": "http", "containerPort": int(settings["HTTP_PORT"])}], name


def test_each_has_a_budget_and_each_that_serves_scales(manifests: list[dict[str, Any]]):
    deployments = of_kind(manifests, "Deployment")
    assert set(of_kind(manifests, "PodDisruptionBudget")) == set(deployments)
    assert set(of_kind(manifests, "HorizontalPodAutoscaler")) == set(of_kind(manifests, "Service"))
    for name, deployment in deployments.items():
        assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0, name


def test_selectors_find_their_pods(manifests: list[dict[str, Any]]):
    labels = {
        name: found["spec"]["template"]["metadata"]["labels"]
        for name, found in of_kind(manifests, "Deployment").items()
    }
    for name, service in of_kind(manifests, "Service").items():
        assert service["spec"]["selector"].items() <= labels[name].items()
    for name, budget in of_kind(manifests, "PodDisruptionBudget").items():
        assert budget["spec"]["selector"]["matchLabels"].items() <= labels[name].items()
    # The policies' pods are ours by this label.
    assert all(found["app.kubernetes.io/part-of"] == "gatehouse" for found in labels.values())


def test_nobody_is_spoken_to_but_by_a_policy(manifests: list[dict[str, Any]]):
    nobody = of_kind(manifests, "NetworkPolicy")["nobody"]["spec"]
    assert nobody["policyTypes"] == ["Ingress", "Egress"]
    assert not {"ingress", "egress"} & set(nobody)


def test_each_setting_exists(manifests: list[dict[str, Any]]):
    pages = [REPOSITORY / "docs" / page for page in ("settings.md", "gateway-operations.md")]
    known = {name for page in pages for name in re.findall(r"^\| `([A-Z_]+)`", page.read_text(), re.MULTILINE)}
    known |= {f"{name.upper()}_URL" for name in SERVICES}
    for name in pods(manifests):
        named = {
            variable.removesuffix("_FILE") if variable not in known else variable
            for variable in settings_of(manifests, name)
        }
        assert named <= known, name


def test_each_process_gets_what_compose_gives_it(manifests: list[dict[str, Any]]):
    """What has a value of its own in docker-compose.yml; what is made for one machine is left out."""
    # The console's: where a service has replicas, Prometheus and Grafana tell of all of them.
    one_machine = {"SEED_DEMO_DATA", "TRACES_URL", "CONSOLE_METRICS", "CONSOLE_TRACES_API", "HTTP_DOORWAY"}
    services = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())["services"]
    for name, pod in pods(manifests).items():
        given = {key for key, value in services[name]["environment"].items() if value is not None} - one_machine
        ours = set(settings_of(manifests, name))
        missing = {key for key in given if not {key, f"{key}_FILE"} & ours}
        # The step's log is the cluster's.
        assert missing - ({"LOG_LEVEL"} if name.endswith("-migrations") else set[str]()) == set(), name
        assert services[name].get("command") == pod["containers"][0].get("command"), name


def test_each_file_comes_from_a_secret_that_the_readme_names(manifests: list[dict[str, Any]]):
    rows = re.findall(r"^\| (`.*?) \| (.*) \|$", (HERE / "README.md").read_text(), re.MULTILINE)
    keys = {
        name: set(re.findall(r"`([\w.]+)`", what)) for names, what in rows for name in re.findall(r"`([\w-]+)`", names)
    }
    for name, pod in pods(manifests).items():
        secrets = {volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume}
        files = {
            value.removeprefix("/run/secrets/")
            for value in settings_of(manifests, name).values()
            if value.startswith("/run/secrets/")
        }
        assert files <= set[str]().union(*(keys[secret] for secret in secrets)), name


@pytest.mark.parametrize("name", SETTINGS)
def test_production_takes_the_settings_as_they_are(manifests: list[dict[str, Any]], name: str, tmp_path: Path):
    for file, content in FILES.items():
        (tmp_path / file).write_text(content)
        (tmp_path / file).chmod(0o440)
    settings = {
        key: value.replace("/run/secrets", str(tmp_path)) for key, value in settings_of(manifests, name).items()
    }
    assert settings["ENVIRONMENT"] == "production"

    def start(**more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", SETTINGS[name]]
        environment = {"PATH": os.environ["PATH"], **settings, **more}
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)

    assert start().returncode == 0, start().stderr
    assert "TOKEN_ISSUER" in start(TOKEN_ISSUER="http://api.example.com").stderr
