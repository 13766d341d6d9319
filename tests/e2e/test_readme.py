"""What the documentation shows is true: its configurations are valid, and its commands print what stands below them.

    ```yaml      checked with `sidegate check`, every variable that it names set to a dummy
    ```sh        lines that start with `$ ` are run in one shell a block, the binary on PATH; the lines that follow one are
                 its output, `…` standing for anything. A command with no output below it need only succeed.
"""

import re

import pytest

from support.gateway import BINARY, ROOT, named_environment, sidegate
from support.process import run

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


def commands(text):
    """(command, lines of expected output) for each `$ ` line; a backslash at its end continues it."""
    found = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif found and found[-1][0].endswith("\\") and not found[-1][1]:
            found[-1] = (found[-1][0] + "\n" + line, [])
        elif found:
            found[-1][1].append(line)
    return found


def with_commands(language):
    return [parameter for parameter in blocks(language) if commands(parameter.values[0])]


def fits(expected, output):
    pattern = ".*".join(re.escape(piece) for piece in "\n".join(expected).strip().split("…"))
    return re.fullmatch(pattern, output.strip(), re.DOTALL)


@pytest.mark.parametrize("text", with_commands("sh"))
def test_commands_print_what_is_shown(text, tmp_path):
    shown = commands(text)
    script = tmp_path / "block.sh"
    script.write_text("".join(f"{command}\nprintf '\\n<<%s>>\\n' $?\n" for command, _ in shown))
    environment = {"PATH": f"{BINARY.parent}:/usr/sbin:/usr/bin:/sbin:/bin"}
    done = run(["bash", "-c", f"exec 2>&1; . {script}"], environment=environment, folder=tmp_path, timeout=60)
    pieces = re.split(r"\n?<<(\d+)>>\n", done.stdout)
    for (command, expected), output, status in zip(shown, pieces[0::2], pieces[1::2]):
        assert fits(expected, output) if expected else status == "0", f"$ {command}\n{output}"
    assert len(pieces) == 2 * len(shown) + 1, done.stdout


def test_there_is_a_readme():
    assert (ROOT / "README.md").exists()
