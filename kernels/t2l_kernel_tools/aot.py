"""`python -m t2l_kernel_tools.aot [--quick]`: compile every kernel for machines that are not here.

A row per build: registers, spills, shared memory, how many programs fit a multiprocessor, and which
matrix instruction was chosen. Exit code 1 means a spill, shared memory beyond the target, or two
instruction families in the builds of one plan. Two families would make bits depend on the batch.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from t2l_kernel_tools.builds.build import TRITON_TYPES, Build
from t2l_kernels._core.arch import ARCHS

ROOMS = ("routing", "lora", "head", "basis", "recon")


@dataclass(frozen=True)
class Machine:
    """What bounds a program on one multiprocessor (vendors' programming guides)."""

    target: GPUTarget
    registers: int  # 32-bit, per multiprocessor (AMD: per SIMD and lane)
    max_registers: int  # per thread
    shared: int  # bytes per multiprocessor
    max_shared: int  # bytes per program
    warps: int  # resident per multiprocessor


MACHINES = {
    "sm_80": Machine(GPUTarget("cuda", 80, 32), 65536, 255, 164 << 10, 163 << 10, 64),
    "sm_90": Machine(GPUTarget("cuda", 90, 32), 65536, 255, 228 << 10, 227 << 10, 64),
    "sm_100": Machine(GPUTarget("cuda", 100, 32), 65536, 255, 228 << 10, 227 << 10, 64),
    "gfx942": Machine(GPUTarget("hip", "gfx942", 64), 512, 512, 64 << 10, 64 << 10, 32),
}


@dataclass(frozen=True)
class Row:
    """What one compiled kernel takes."""

    op: str
    plan: str
    arch: str
    dtype: str
    shape: str
    registers: int  # per thread
    spills: int  # bytes per thread of local memory, or spilled VGPRs
    shared: int  # bytes
    occupancy: int  # programs per multiprocessor, at most
    family: str

    def fault(self) -> str | None:
        """Return why this kernel must not be shipped, or None."""
        limit = MACHINES[self.arch].max_shared
        if self.spills:
            return f"spills {self.spills}"
        if self.shared > limit:
            return f"shared memory {self.shared} beyond {limit}"
        return None


def builds(arch: str, *, quick: bool) -> Iterator[Build]:
    """Yield the builds of all operators for one arch."""
    for room in ROOMS:
        yield from import_module(f"t2l_kernel_tools.builds.{room}").builds(arch, quick=quick)


def compile_build(build: Build) -> Row:
    """Compile for the target's assembler and read what came out."""
    machine = MACHINES[build.arch]
    names = build.kernel.arg_names
    signature = build.signature()
    options = {k: v for k, v in build.constants.items() if k not in names}
    constants = {(names.index(k),): v for k, v in build.constants.items() if k in names}
    for index, name in enumerate(names):
        if signature[name] == "constexpr" and name not in build.constants:
            constants[(index,)] = None
    aligned = {
        (i,): [["tt.divisibility", 16]]
        for i, n in enumerate(names)
        if n in build.divisible or signature[n].startswith("*")
    }
    source = ASTSource(build.kernel, signature, constants, aligned)
    compiled = triton.compile(source, target=machine.target, options=options)
    warps = compiled.metadata.num_warps
    read = _amd if build.arch.startswith("gfx") else _nvidia
    registers, spills, family = read(compiled)
    shared = compiled.metadata.shared
    return Row(
        op=build.op,
        plan=build.plan,
        arch=build.arch,
        dtype=TRITON_TYPES[build.dtype],
        shape=build.shape,
        registers=registers,
        spills=spills,
        shared=shared,
        occupancy=occupancy(machine, registers, shared, warps),
        family=family,
    )


def occupancy(machine: Machine, registers: int, shared: int, warps: int) -> int:
    """Return how many programs a multiprocessor holds: by registers, memory and warps."""
    if machine.target.backend == "hip":
        # a SIMD (4 per compute unit) holds 512 registers per lane, given out by eights
        per_simd = min(8, machine.registers // max(8, -(-registers // 8) * 8))
        by_registers = 4 * per_simd // warps
    else:
        by_registers = machine.registers // (32 * warps * max(8, -(-registers // 8) * 8))
    reserved = 0 if machine.target.backend == "hip" else 1024  # by CUDA, per program
    by_shared = machine.shared // (shared + reserved) if shared else 32
    return min(by_registers, by_shared, machine.warps // warps, 32)


def _nvidia(compiled) -> tuple[int, int, str]:
    tool = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(compiled.asm["cubin"])
        file.flush()
        report = subprocess.run(
            [tool, "--dump-resource-usage", file.name], capture_output=True, text=True, check=True
        ).stdout
    registers, stack, local = (
        _number(rf"\b{name}:(\d+)", report) for name in ("REG", "STACK", "LOCAL")
    )
    ptx = compiled.asm["ptx"]
    families = r"tcgen05\.mma|wgmma\.mma_async|mma\.sync\.aligned\.(m\d+n\d+k\d+)"
    instruction = re.search(families, ptx)
    if instruction is None:
        return registers, stack + local, "fma" if "fma.rn.f32" in ptx else "-"
    shape = instruction.group(1)
    return registers, stack + local, f"mma {shape}" if shape else instruction.group(0).split(".")[0]


def _number(pattern: str, report: str) -> int:
    """The number in a compiler's report.

    Raises:
        ValueError: the report has another form than this release of the compiler writes.
    """
    match = re.search(pattern, report)
    if match is None:
        raise ValueError(f"the compiler's report must hold {pattern}, got {report[:200]!r}")
    return int(match[1])


def _amd(compiled) -> tuple[int, int, str]:
    text = compiled.asm["amdgcn"]
    registers, vector_spills, scalar_spills = (
        _number(rf"\.{name}:\s+(\d+)", text)
        for name in ("vgpr_count", "vgpr_spill_count", "sgpr_spill_count")
    )
    instruction = re.search(r"v_mfma_f32_(\w+?)_", text) or re.search(r"v_mfma_f32_(\S+)", text)
    family = f"mfma {instruction.group(1)}" if instruction else "fma" if "v_fma" in text else "-"
    return registers, vector_spills + scalar_spills, family


def mixed_families(rows: Sequence[Row]) -> list[str]:
    """Return the plans whose builds of one arch and dtype use two instruction families."""
    families: dict[tuple[str, str, str], set[str]] = {}
    for row in rows:
        families.setdefault((row.plan, row.dtype, row.arch), set()).add(row.family)
    return [
        f"{' '.join(key)}: {' and '.join(sorted(names))}"
        for key, names in families.items()
        if len(names) > 1
    ]


def _compile_at(where: tuple[str, bool, int]) -> Row:
    arch, quick, index = where
    return compile_build(list(builds(arch, quick=quick))[index])


def compile_all(archs: Sequence[str], *, quick: bool, processes: int) -> Iterator[Row]:
    """Yield rows in a fixed order as they are compiled."""
    work = [
        (arch, quick, index) for arch in archs for index, _ in enumerate(builds(arch, quick=quick))
    ]
    with ProcessPoolExecutor(processes, mp_context=get_context("fork")) as pool:
        yield from pool.map(_compile_at, work, chunksize=1 if quick else 4)


def main(argv: Sequence[str] | None = None) -> int:
    """Compile, print the table and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m t2l_kernel_tools.aot", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one plan and dtype per kernel")
    parser.add_argument("--arch", action="append", choices=ARCHS, help="default: all")
    parser.add_argument("--processes", type=int, default=min(2, os.cpu_count() or 1))
    options = parser.parse_args(argv)
    if os.environ.get("TRITON_INTERPRET") == "1":
        parser.error("kernels are interpreted with TRITON_INTERPRET=1: unset it to compile them")
    rows = []
    line = "{:<13} {:<7} {:<5} {:<26} {:>5} {:>6} {:>7} {:>9}  {}"
    print(line.format("kernel", "arch", "dtype", "shape", "regs", "spills", "shared", "programs",
                      "instruction"))  # fmt: skip
    for row in compile_all(options.arch or ARCHS, quick=options.quick, processes=options.processes):
        rows.append(row)
        print(
            line.format(row.op, row.arch, row.dtype, row.shape, row.registers, row.spills,
                        row.shared, row.occupancy, row.family),
            flush=True,
        )  # fmt: skip
    faults = [f"{row.op} {row.arch} {row.dtype} {row.shape}: {row.fault()}" for row in rows
              if row.fault()]  # fmt: skip
    faults += [f"two instruction families in one plan: {plan}" for plan in mixed_families(rows)]
    print(f"{len(rows)} kernels compiled, {len(faults)} faults")
    for fault in faults:
        print(f"FAULT {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
