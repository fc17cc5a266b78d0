"""Each package imports only from those below it, and the command line starts without anything heavy."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ["torch", "transformers", "verl", "ray", "hydra", "polars", "numpy", "pydantic", "rich"]


def loaded_after(code):
    script = f"import sys, json\n{code}\nprint(json.dumps([name for name in {HEAVY} if name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_imports_point_downwards_only():
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["--version"]])
def test_help_loads_nothing_heavy(arguments):
    code = f"from rl_router.cli import main\ntry: main({arguments})\nexcept SystemExit: pass"
    assert loaded_after(code) == []


def test_a_job_is_read_without_torch():
    loaded = loaded_after("from rl_router.recipe import load_job; load_job('quickstart')")
    assert not {"torch", "transformers", "verl", "ray"} & set(loaded)


def test_the_pool_and_the_routing_table_need_no_torch():
    loaded = loaded_after(
        "import rl_router.data.table, rl_router.data.world, rl_router.pool.pool, rl_router.pool.replay"
    )
    assert not {"torch", "transformers", "verl", "ray"} & set(loaded)


def test_the_folders_beside_the_package_are_no_packages():
    assert [str(path) for path in ROOT.glob("*/__init__.py") if path.parent.name != "rl_router"] == []
