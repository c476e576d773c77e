"""The manifests for Kubernetes: valid by its schemas, and of one mind with the code."""

from typing import Any
from unittest.mock import Mock

import kubernetes_validate
import pytest
import yaml

from bot.api.probes import Probes
from bot.settings import Settings
from tests.terminal import problem_of
from tests.unit.test_papers import ROOT, SERVICES, SETTINGS

FOLDER = ROOT / "deploy/kubernetes"
FILES = sorted(path for path in FOLDER.glob("*.yaml") if path.name != "kustomization.yaml")
OBJECTS: list[tuple[str, dict[str, Any]]] = [
    (f"{path.name}:{document['kind']}:{document['metadata']['name']}", document)
    for path in FILES
    for document in yaml.safe_load_all(path.read_text("utf-8"))
]
PODS = {
    document["metadata"]["name"]: document["spec"]["template"]
    for _, document in OBJECTS
    if document["kind"] in ("Deployment", "Job")
}


def of(kind: str) -> dict[str, dict[str, Any]]:
    """The objects of one kind by name."""
    found = [document for _, document in OBJECTS if document["kind"] == kind]
    return {document["metadata"]["name"]: document for document in found}


@pytest.mark.parametrize(("name", "document"), OBJECTS, ids=[name for name, _ in OBJECTS])
def test_every_object_is_valid(name: str, document: dict[str, Any]) -> None:
    kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)
    if document["kind"] != "Namespace":
        assert document["metadata"]["namespace"] == "ai-trader"


def test_a_mistake_would_be_found() -> None:
    broken = yaml.safe_load((FOLDER / "bot.yaml").read_text("utf-8"))
    broken["spec"]["template"]["spec"]["containers"][0]["comand"] = ["bot"]
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, kubernetes_validate.latest_version(), strict=True)


def test_every_file_is_applied_or_said_not_to_be() -> None:
    applied = yaml.safe_load((FOLDER / "kustomization.yaml").read_text("utf-8"))["resources"]
    assert {path.name for path in FILES} - {*applied} == {"secret.example.yaml", "ea.yaml"}
    assert {*applied} <= {path.name for path in FILES}


@pytest.mark.parametrize("name", PODS)
def test_every_pod_runs_a_command_that_exists_as_an_ordinary_user(name: str) -> None:
    spec = PODS[name]["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] == 10001
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = spec["containers"]
    assert problem_of(container["args"]) is None
    assert container["args"] == SERVICES[name]["command"]
    assert container["image"] == SERVICES[name]["image"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {*container["resources"]["limits"]} == {"cpu", "memory"}
    places = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert places == {"/tmp", "/run/secrets", "/var/lib/ai-trader"}
    assert {mount["name"] for mount in container["volumeMounts"]} == {
        volume["name"] for volume in spec["volumes"]
    }


@pytest.mark.parametrize("name", PODS)
def test_every_variable_is_a_setting_and_none_is_a_secret(name: str) -> None:
    told = {**of("ConfigMap")["ai-trader"]["data"]}
    for variable in PODS[name]["spec"]["containers"][0].get("env", []):
        told[variable["name"]] = variable["value"]
    assert {*told} <= {*SETTINGS}
    assert told["APP_SECRETS_DIR"] == "/run/secrets"
    assert not [key for key in told if key.endswith(("_URL", "_TOKEN", "_KEY", "_SECRET"))]
    given = {key.lower(): value for key, value in told.items() if key != "APP_SECRETS_DIR"}
    assert Settings(_env_file=None, **given).is_production  # type: ignore[arg-type]


@pytest.mark.parametrize("name", PODS)
def test_a_pod_gets_the_secrets_that_its_container_gets(name: str) -> None:
    (volume,) = [v for v in PODS[name]["spec"]["volumes"] if v["name"] == "secrets"]
    given = {item["key"]: item["path"] for item in volume["secret"]["items"]}
    assert {*given} == {*given.values()} == {*SERVICES[name]["secrets"]}
    assert {*given} <= {*of("Secret")["ai-trader"]["stringData"]}


def test_the_template_of_the_secret_has_no_value() -> None:
    template = of("Secret")["ai-trader"]["stringData"]
    assert {*template.values()} == {""}
    assert {*template} <= {*Settings.model_fields}


def test_there_is_one_bot_and_more_than_one_worker() -> None:
    bot, worker = of("Deployment")["bot"]["spec"], of("Deployment")["worker"]["spec"]
    assert (bot["replicas"], bot["strategy"]) == (1, {"type": "Recreate"})
    assert worker["replicas"] > of("PodDisruptionBudget")["worker"]["spec"]["minAvailable"] >= 1


@pytest.mark.parametrize("name", ["bot", "worker", "api", "ea"])
def test_every_selector_finds_its_pods(name: str) -> None:
    labels = PODS[name]["metadata"]["labels"]
    assert of("Deployment")[name]["spec"]["selector"]["matchLabels"] == labels
    for found in (of("Service").get(name), of("PodDisruptionBudget").get(name)):
        if found is not None:
            selector = found["spec"]["selector"]
            assert selector.get("matchLabels", selector) == labels


def test_every_probe_asks_what_the_code_answers() -> None:
    served = {route.path for route in Probes(check_readiness=Mock()).routes()}
    asked: dict[str, Any] = {}
    for name, pod in PODS.items():
        (container,) = pod["spec"]["containers"]
        ports = {port["name"]: port["containerPort"] for port in container.get("ports", [])}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            asked[name, probe] = found = container.get(probe, {})
            if "httpGet" in found:
                assert found["httpGet"]["path"] in served
                assert found["httpGet"]["port"] in ports
            elif "exec" in found:
                assert found["exec"]["command"][0] == "ai-trader"
                assert problem_of(found["exec"]["command"][1:]) is None
    assert asked["api", "livenessProbe"]["httpGet"]["path"] == "/health"
    assert asked["api", "readinessProbe"]["httpGet"]["path"] == "/ready"
    assert asked["bot", "readinessProbe"] == {
        **asked["worker", "readinessProbe"],
        "exec": {"command": SERVICES["bot"]["healthcheck"]["test"][1:]},
    }
    scraped = PODS["api"]["metadata"]["annotations"]
    assert scraped["prometheus.io/path"] in served
    variables = {v["name"]: v["value"] for v in PODS["api"]["spec"]["containers"][0]["env"]}
    assert scraped["prometheus.io/port"] == variables["API_PORT"]


def test_no_manifest_names_the_machine_it_was_written_on() -> None:
    for path in (ROOT / "deploy").rglob("*"):
        if path.is_file():
            assert str(ROOT) not in path.read_text("utf-8")


def test_no_pod_may_be_reached_or_reach_out_unless_it_is_allowed() -> None:
    policies = {name: document["spec"] for name, document in of("NetworkPolicy").items()}
    assert policies["nothing"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    chosen = policies["inside"]["podSelector"]["matchExpressions"][0]["values"]
    assert {*chosen} == {*of("Service")}
