"""Public names, import time, life without triton, and the wheel."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import t2l_fast
import t2l_kernels

ROOT = Path(__file__).parents[1]
PUBLIC = {
    "AdapterBank",
    "AdapterGenerator",
    "AdapterId",
    "Adapters",
    "AutoGenerator",
    "Bases",
    "CoreGenerator",
    "DeferredBatch",
    "Lease",
    "LoraBatch",
    "LoraConfig",
    "LoraSlab",
    "LoraWeights",
    "MultiLoraLinear",
    "Route",
    "Site",
    "T2LConfig",
    "T2LError",
    "TextToLora",
    "__version__",
    "attach",
    "errors",
    "find_sites",
    "load_model",
    "ops",
}
KERNELS = {
    "ArgumentError",
    "BlockTable",
    "Device",
    "GPUS",
    "Impl",
    "Route",
    "T2LError",
    "Workspace",
    "WorkspaceError",
    "basis_lora",
    "capturing",
    "check_slot_range",
    "explain_impl",
    "fold_head",
    "fold_latents",
    "head",
    "head_into_slots",
    "lora_expand",
    "lora_shrink",
    "lowrank_l1",
    "lowrank_l2",
    "multi_lora",
    "multi_lora_",
    "resolve_impl",
    "triton_installed",
}
RUN_ON_CPU = """
import torch, t2l_fast as t2l
route = t2l.Route.from_tokens(torch.tensor([0, -1]))
out = t2l.ops.multi_lora(torch.ones(2, 3), torch.ones(1, 2, 3), torch.ones(1, 2, 4), route,
                         scalings=torch.ones(1))
assert out.tolist() == [[6.0] * 4, [0.0] * 4], out
"""


def python(code: str, *, cwd: Path, path: list[Path]) -> str:
    env = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, path))}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, env=env, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_public_names_are_pinned():
    assert set(t2l_fast.__all__) == PUBLIC
    assert all(hasattr(t2l_fast, name) for name in PUBLIC)
    assert set(t2l_kernels.__all__) == KERNELS
    lora = {"lora_expand", "lora_shrink", "multi_lora", "multi_lora_"}
    heads = {"head", "head_into_slots", "basis_lora", "fold_head", "fold_latents"}
    assert set(t2l_fast.ops.__all__) == lora | heads | {"lowrank_l1", "lowrank_l2"}


@pytest.mark.slow
def test_everything_runs_with_triton_blocked(tmp_path):
    """As on macOS and Windows, where there is no triton."""
    block = "import sys; sys.modules['triton'] = None\n"
    rooms = "import t2l_fast.cli, t2l_fast.demo, t2l_fast.models\n"
    python(block + rooms + RUN_ON_CPU, cwd=tmp_path, path=[ROOT, ROOT / "kernels"])


@pytest.mark.slow
def test_import_takes_under_two_seconds_beyond_torch(tmp_path):
    code = (
        "import time, torch; a = time.perf_counter(); import t2l_fast, sys\n"
        "print(time.perf_counter() - a, 'transformers' in sys.modules, 'peft' in sys.modules)"
    )
    runs = [python(code, cwd=tmp_path, path=[ROOT, ROOT / "kernels"]).split() for _ in range(2)]
    assert min(float(run[0]) for run in runs) < 2.0
    assert runs[0][1:] == ["False", "False"]


@pytest.mark.slow
def test_hugging_face_kernels_is_not_shadowed():
    """transformers probes for a package called `kernels` when it is imported from the checkout."""
    code = "import transformers.integrations.hub_kernels, importlib.util as u\n"
    code += "spec = u.find_spec('kernels'); print(spec is None or spec.origin)"
    assert str(ROOT) not in python(code, cwd=ROOT, path=[ROOT])


@pytest.mark.slow
def test_wheel_exports_the_same_names_outside_the_checkout(tmp_path):
    pytest.importorskip("setuptools", minversion="77", reason="building a wheel needs setuptools")
    source = tmp_path / "source"
    tracked = ["pyproject.toml", "setup.py", "README.md", "LICENSE", "NOTICE"]
    tracked += [p.relative_to(ROOT) for p in (ROOT / "t2l_fast").rglob("*.py")]
    tracked += [p.relative_to(ROOT) for p in (ROOT / "kernels").rglob("*.py")]
    tracked += ["t2l_fast/py.typed", "kernels/t2l_kernels/py.typed"]
    data = [
        path.relative_to(ROOT)
        for pattern in ("checkpoints/*/*", "presets/*/*.yaml", "tasks/*.parquet")
        for path in (ROOT / "t2l_fast").glob(pattern)
    ]
    assert {path.suffix for path in data} >= {".json", ".safetensors", ".yaml"}
    tracked += data
    for name in tracked:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes((ROOT / name).read_bytes())
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", tmp_path, source]
    built = subprocess.run([*build, "-v"], check=True, capture_output=True, text=True)
    assert "would be ignored" not in built.stdout + built.stderr
    wheel = next(tmp_path.glob("*.whl"))
    site = tmp_path / "site"
    subprocess.run([*pip, "install", "-q", "--no-deps", "--target", site, wheel], check=True)
    code = "import t2l_fast, t2l_kernels; print(t2l_fast.__file__, t2l_kernels.__file__)\n"
    code += "print(*sorted(t2l_fast.__all__)); print(*sorted(t2l_kernels.__all__))\n"
    files, names, kernel_names = python(code + RUN_ON_CPU, cwd=tmp_path, path=[site]).splitlines()
    assert all(name.startswith(str(site)) for name in files.split())
    assert set(names.split()) == PUBLIC
    assert set(kernel_names.split()) == KERNELS
    assert all((site / path).stat().st_size for path in data)
    assert not (site / "t2l_kernel_tools").exists()
    assert (site / "t2l_fast" / "py.typed").exists() and (site / "t2l_kernels/py.typed").exists()
