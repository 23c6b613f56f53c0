"""The component that puts report files into a bucket, on top of production/."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

HERE = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl, which renders them, is not here")


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    copy = tmp_path_factory.mktemp("kubernetes")
    for folder in ("base", "production", "s3"):
        shutil.copytree(HERE / folder, copy / folder)
    with (copy / "production" / "kustomization.yaml").open("a") as file:
        file.write("components: [../s3]\n")
    command = ["kubectl", "kustomize", str(copy / "production")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def test_the_shared_volume_goes_and_the_bucket_comes(manifests: list[dict[str, Any]], tmp_path: Path):
    claims = {found["metadata"]["name"] for found in manifests if found["kind"] == "PersistentVolumeClaim"}
    assert claims == {"avatars", "orders"}
    deployments = {found["metadata"]["name"]: found for found in manifests if found["kind"] == "Deployment"}
    for name in ("reports", "reports-worker"):
        kubernetes_validate.validate(deployments[name], "1.34", strict=True)
        pod = deployments[name]["spec"]["template"]["spec"]
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        assert volumes["files"] == {"name": "files", "emptyDir": {"sizeLimit": "5Gi"}}
        assert volumes["secrets"]["secret"]["secretName"] == name
        told = {one["name"]: one["value"] for one in pod["containers"][0]["env"]}
        for key in ("S3_ACCESS_KEY_ID_FILE", "S3_SECRET_ACCESS_KEY_FILE"):
            file = tmp_path / Path(told[key]).name
            file.write_text("x" * 20)
            told[key] = str(file)
        code = "from reports.settings import StorageSettings as A; from reports.s3_settings import S3Settings as B;"
        code += "print(A().bucket, B().access_key_id)"
        environment = {"PATH": os.environ["PATH"], **told}
        read = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert read.stdout.split() == ["gatehouse-reports", "x" * 20]
