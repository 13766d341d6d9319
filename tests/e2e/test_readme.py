"""What the documentation shows is true: its configurations are valid, and its commands print what stands below them.

    ```yaml      checked with `sidegate check`, every variable that it names set to a dummy
    ```yml       a pod of Kubernetes with a sidecar: its environment makes a configuration that its ports and probes fit
    ```sh        lines that start with `$ ` are run in one shell a block, the binary on PATH; the lines that follow one are
                 its output, `…` standing for anything. A command with no output below it need only succeed.
"""

import re

import pytest
import yaml

from support.gateway import BINARY, ROOT, named_environment, sidegate
from support.process import run_script

PAGES = [path for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))) if path.exists()]
FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


def blocks(language):
    """Each fenced block of that language, named by its page and line."""
    found = []
    for page in PAGES:
        text = page.read_text()
        for match in FENCE.finditer(text):
            if match[2] == language:
                line = text.count("\n", 0, match.start()) + 1
                body = re.sub(rf"^{match[1]}", "", match[3], flags=re.MULTILINE)
                found.append(pytest.param(body, id=f"{page.relative_to(ROOT)}:{line}"))
    return found


@pytest.mark.parametrize("text", blocks("yaml"))
def test_configurations_are_valid(text, tmp_path):
    path = tmp_path / "sidegate.yaml"
    path.write_text(text)
    done = sidegate("check", "--config", path, environment=named_environment(text), folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("text", blocks("yml"))
def test_pods_fit_the_program(text, tmp_path):
    pod = yaml.safe_load(text)["spec"]
    (sidecar,) = [container for container in pod["containers"] if container["name"] == "sidegate"]
    assert sidecar["command"] == ["sidegate", "run"]
    environment = {variable["name"]: variable.get("value", "x" * 64) for variable in sidecar["env"]}
    variables = (ROOT / "docs/configuration.md").read_text().partition("\n## Environment variables\n")[2]
    assert [name for name in environment if f"`{name}`" not in variables] == []
    done = sidegate("check", "--print", environment=environment, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    configuration = yaml.safe_load(done.stdout)
    (listener,) = configuration["listeners"].values()
    ports = {name: int(block["address"].rpartition(":")[2])
             for name, block in (("http", listener), ("health", configuration["health"]))}
    assert {port["name"]: port["containerPort"] for port in sidecar["ports"]} == ports
    assert {name: sidecar[name]["httpGet"] for name in ("readinessProbe", "livenessProbe")} == {
        "readinessProbe": {"path": "/readyz", "port": ports["health"]},
        "livenessProbe": {"path": "/healthz", "port": ports["health"]}}
    assert pod["terminationGracePeriodSeconds"] > int(configuration["shutdown"]["timeout"].removesuffix("s"))


def commands(text):
    """(command, lines of expected output) for each `$ ` line. A backslash at its end continues it, and so does a here
    document up to its last line."""
    found, here_document = [], None
    for line in text.splitlines():
        command, expected = found[-1] if found else ("", [])
        if here_document or (command.endswith("\\") and not expected):
            found[-1] = (command + "\n" + line, [])
            here_document = None if line == here_document else here_document
        elif line.startswith("$ "):
            found.append((line[2:], []))
            match = re.search(r"<<'?(\w+)'?$", line)
            here_document = match and match[1]
        elif found:
            expected.append(line)
    return found


def with_commands(language):
    return [parameter for parameter in blocks(language) if commands(parameter.values[0])]


def fits(expected, output):
    pattern = ".*".join(re.escape(piece) for piece in "\n".join(expected).strip().split("…"))
    return re.fullmatch(pattern, output.strip(), re.DOTALL)


@pytest.mark.parametrize("text", with_commands("sh"))
def test_commands_print_what_is_shown(text, tmp_path):
    shown = commands(text)
    environment = {"PATH": f"{BINARY.parent}:/usr/sbin:/usr/bin:/sbin:/bin"}
    results = run_script([command for command, _ in shown], tmp_path, environment)
    for (command, expected), (output, status) in zip(shown, results):
        assert fits(expected, output) if expected else status == 0, f"$ {command}\n{output}"
    assert len(results) == len(shown), f"it did not get past: {shown[len(results)][0]}"


def test_there_is_a_readme():
    assert (ROOT / "README.md").exists()
