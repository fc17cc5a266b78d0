"""Only rl_router is importable once installed, as a wheel and as an editable, and it finds its recipes either way."""

import ast
import json
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
from importlib.metadata import packages_distributions
from pathlib import Path

import editables
import pytest

ROOT = Path(__file__).resolve().parents[1]
RUN_OR_EDIT = ["recipes", "tool_configs", "data_preprocess", "train", "evaluation", "scripts", "tests", "docs"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module", params=["wheel", "wheel:editable"])
def installed(request, tmp_path_factory):
    """A virtual environment that holds rl-router and nothing else, and an empty folder to stand in."""
    home = tmp_path_factory.mktemp(request.param.replace(":", "-"))
    build = [sys.executable, "-m", "hatchling", "build", "-t", request.param, "-d", str(home / "dist")]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=60)
    venv.create(home / "venv", symlinks=True)
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(home / "venv")}))
    if request.param == "wheel:editable":
        shutil.copytree(Path(editables.__file__).parent, site / "editables")
    (wheel,) = (home / "dist").glob("*.whl")
    python = home / "venv" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, str(wheel)], check=True, capture_output=True, timeout=60)
    (home / "empty").mkdir()

    def run(*command):
        done = subprocess.run(
            [str(python.parent / command[0]), *command[1:]],
            cwd=home / "empty",
            env={"PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_the_package_is_importable_from_an_empty_folder(installed):
    assert installed("python", "-c", "import rl_router; print(rl_router.__version__)").strip() == "0.1.0"


def test_the_folders_that_one_runs_or_edits_are_not_importable(installed):
    look = f"from importlib.util import find_spec; print([n for n in {RUN_OR_EDIT} if find_spec(n)])"
    assert installed("python", "-c", look).strip() == "[]"


def test_the_command_finds_its_recipes_and_pools(installed):
    recipes = json.loads(installed("rl-router", "list", "recipes", "--json"))
    assert {"quickstart", "replay"} <= {recipe["name"] for recipe in recipes}
    look = "from rl_router.paths import pools_dir; print(sorted(p.stem for p in pools_dir().glob('*.yaml')))"
    assert "'world'" in installed("python", "-c", look)


def test_every_import_is_of_a_declared_dependency():
    extras = PROJECT["optional-dependencies"]
    wanted = PROJECT["dependencies"] + [r for name, part in extras.items() if name != "dev" for r in part]
    declared = {distribution(requirement) for requirement in wanted}
    declared.add("llmrouter")  # a plug-in written for it may bring it along; nothing of ours needs it
    owners = packages_distributions()
    undeclared = {}
    for path in sorted((ROOT / "rl_router").rglob("*.py")):
        for name in imported(path) - sys.stdlib_module_names - {"rl_router"}:
            if not declared & {distribution(owner) for owner in owners.get(name, [name])}:
                undeclared[name] = str(path.relative_to(ROOT))
    assert undeclared == {}


def test_every_extra_but_the_gpu_engines_has_its_version_in_the_constraints():
    pinned = {distribution(line) for line in (ROOT / "constraints-cpu.txt").read_text().splitlines() if "==" in line}
    extras = PROJECT["optional-dependencies"]
    engines = ("sglang", "vllm")
    wanted = PROJECT["dependencies"] + [r for name, part in extras.items() if name not in engines for r in part]
    assert {distribution(requirement) for requirement in wanted} - pinned - {"rl-router"} == set()


def distribution(requirement):
    """The normalised name: `ray[default]>=2.41` is ray, `TransferQueue` is transferqueue."""
    return re.split(r"[^\w.-]", requirement.strip())[0].lower().replace("_", "-")


def imported(path):
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names
