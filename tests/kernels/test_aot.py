"""The report without a device: what it reads, what it calls a fault, what it exits with."""

import os
from dataclasses import replace

import pytest
import torch

from tests.kernels.conftest import KERNELS_RUN

pytest.importorskip("triton")
aot = pytest.importorskip("t2l_kernel_tools.aot")

compiles = pytest.mark.skipif(
    os.environ.get("TRITON_INTERPRET") == "1",
    reason="needs a process without TRITON_INTERPRET: kernels bind to it when imported",
)
ROW = aot.Row(
    op="lora_shrink",
    plan="lora_shrink 4096 r16",
    arch="sm_90",
    dtype="bf16",
    shape="m 16",
    registers=48,
    spills=0,
    shared=16384,
    occupancy=9,
    family="mma m16n8k16",
)


@pytest.mark.skipif(KERNELS_RUN, reason="they run: this is the line that says where else")
def test_the_kernels():
    pytest.skip("tests/kernels/triton needs a GPU or a process with TRITON_INTERPRET=1: make test")


@compiles
@pytest.mark.parametrize("arch", aot.MACHINES)
def test_a_kernel_compiles_for_a_machine_that_is_not_here(arch, tmp_path, monkeypatch):
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    build = next(b for b in aot.builds(arch, quick=True) if b.op == "lora_shrink")
    row = aot.compile_build(build)
    assert row.fault() is None and 0 < row.registers < 256 and row.shared > 0
    assert row.family == ("mfma 16x16x16" if arch == "gfx942" else "mma m16n8k16")


@compiles
@pytest.mark.parametrize(
    ("arch", "family"),
    [("sm_80", "mma m16n8k16"), ("sm_90", "wgmma"), ("sm_100", "tcgen05"), ("gfx942", "mfma")],
)
def test_the_head_runs_on_the_dense_matrix_units(arch, family, tmp_path, monkeypatch):
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    build = next(b for b in aot.builds(arch, quick=True) if b.op == "head_into_slots")
    row = aot.compile_build(build)
    assert row.fault() is None and row.family.startswith(family)


@compiles
def test_a_tile_of_64_rows_on_4_warps_shows_another_family(tmp_path, monkeypatch):
    """Why plans hold 64-row blocks to 2 warps, and that the report would notice."""
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    builds = [b for b in aot.builds("sm_90", quick=False) if b.op == "lora_shrink"]
    build = next(b for b in builds if b.dtype == torch.bfloat16 and "4096 r 64 m 64" in b.shape)
    good = aot.compile_build(build)
    bad = aot.compile_build(replace(build, constants={**build.constants, "num_warps": 4}))
    assert (good.family, bad.family) == ("mma m16n8k16", "wgmma")
    assert aot.mixed_families([good, bad]) == [
        "lora_shrink 4096 r64 bf16 sm_90: mma m16n8k16 and wgmma"
    ]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({}, None),
        ({"spills": 8}, "spills 8"),
        ({"shared": 240_000}, "shared memory 240000 beyond 232448"),
        ({"arch": "gfx942", "shared": 70_000}, "shared memory 70000 beyond 65536"),
    ],
    ids=["sound", "spill", "too much shared memory", "too much for AMD"],
)
def test_faults_are_named_and_exit_with_1(change, fault, monkeypatch, capsys):
    row = replace(ROW, **change)
    assert row.fault() == fault
    monkeypatch.setattr(aot, "compile_all", lambda *args, **options: iter([row]))
    assert aot.main(["--quick"]) == (fault is not None)
    assert (f"FAULT lora_shrink {row.arch} bf16 m 16: {fault}" in capsys.readouterr().out) == (
        fault is not None
    )


def test_two_families_in_one_plan_exit_with_1(monkeypatch, capsys):
    rows = [ROW, replace(ROW, shape="m 64", family="wgmma")]
    monkeypatch.setattr(aot, "compile_all", lambda *args, **options: iter(rows))
    assert aot.main([]) == 1
    assert "two instruction families in one plan: lora_shrink" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arch", "registers", "shared", "warps", "programs"),
    [
        ("sm_80", 255, 0, 2, 4),
        ("sm_90", 64, 0, 4, 8),
        ("sm_90", 32, 100 << 10, 4, 2),
        ("sm_90", 16, 0, 1, 32),
        ("gfx942", 128, 0, 4, 4),
        ("gfx942", 64, 32 << 10, 4, 2),
    ],
)
def test_occupancy_is_bound_by_the_scarcest(arch, registers, shared, warps, programs):
    assert aot.occupancy(aot.MACHINES[arch], registers, shared, warps) == programs


def test_every_room_is_compiled_for_every_target():
    for arch in aot.MACHINES:
        ops = {build.op for build in aot.builds(arch, quick=True)}
        lora = {"lora_shrink", "lora_expand", "lora_grad"}
        assert (
            ops
            >= {"route_tables", "route_blocks", "route_order", "head_into_slots", "basis_core"}
            | lora
        )


def test_the_quick_report_compares_the_families_of_both_blocks():
    shapes = {b.shape for b in aot.builds("sm_90", quick=True) if b.op == "lora_shrink"}
    assert shapes == {"d 4096 r 16 m 16 serving", "d 4096 r 16 m 64 serving"}


def test_plans_cover_ranks_1_to_128_all_dtypes_and_both_blocks():
    shapes = {build.shape for build in aot.builds("sm_90", quick=False)}
    for rank in (1, 8, 16, 32, 64, 128):
        assert f"d 4096 r {rank} m 16 in place" in shapes
    assert "d 4096 r 64 m 64 training" in shapes and "d 2049 r 128 m 16 in place" in shapes
