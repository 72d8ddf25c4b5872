"""Kernels on a GPU, or under Triton's interpreter: then in a process of their own.

TRITON_INTERPRET=1 python -m pytest tests/kernels/triton
"""

import math
import os

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes

from t2l_kernels import Route

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
DEVICE = "cpu" if INTERPRETED or not torch.cuda.is_available() else "cuda"
GUARD = 64  # elements of poison on either side of every buffer
ALLOCATIONS = {
    torch.ops.aten.empty.memory_format,
    torch.ops.aten.empty_like.default,
    torch.ops.aten.new_empty.default,
}


@pytest.fixture(autouse=True)
def about_the_interpreter(request):
    if not INTERPRETED and request.node.get_closest_marker("interpreted"):
        pytest.skip("needs a process started with TRITON_INTERPRET=1")


class Guards(TorchDispatchMode):
    """Every allocation and every `hold` gets bands of poison, and starts as poison itself."""

    def __init__(self) -> None:
        super().__init__()
        self.whole: list[tuple[torch.Tensor, int]] = []

    def _buffer(self, shape: torch.Size, dtype: torch.dtype) -> torch.Tensor:
        count = math.prod(shape)
        poison = math.nan if dtype.is_floating_point else -77
        whole = torch.full((count + 2 * GUARD,), poison, dtype=dtype, device=DEVICE)
        self.whole.append((whole, count))
        return whole[GUARD : GUARD + count].view(shape)

    def hold(self, tensor: torch.Tensor | None) -> torch.Tensor | None:
        return None if tensor is None else self._buffer(tensor.shape, tensor.dtype).copy_(tensor)

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        return self._buffer(made.shape, made.dtype) if func in ALLOCATIONS else made

    def check(self) -> None:
        for whole, count in self.whole:
            for band in (whole[:GUARD], whole[GUARD + count :]):
                intact = band.isnan() if whole.is_floating_point() else band == -77
                assert bool(intact.all()), f"written outside a buffer of {count} {whole.dtype}"


class Checked:
    """A kernel after whose every launch the bands are looked at."""

    def __init__(self, kernel, guards: Guards) -> None:
        self.kernel, self.guards = kernel, guards

    def __getitem__(self, grid):
        def launch(*args, **options):
            self.kernel[grid](*args, **options)
            with _disable_current_modes():
                self.guards.check()

        return launch


@pytest.fixture
def guards(monkeypatch):
    from t2l_kernels.basis import launch as basis_launch
    from t2l_kernels.heads import launch as head_launch
    from t2l_kernels.lora import launch as lora_launch
    from t2l_kernels.recon import launch as recon_launch
    from t2l_kernels.routing import launch as route_launch

    made = Guards()
    for module in (basis_launch, head_launch, lora_launch, recon_launch, route_launch):
        for name in [name for name in vars(module) if name.endswith("_kernel")]:
            monkeypatch.setattr(module, name, Checked(getattr(module, name), made))
    return made


class Case:
    """One problem; adapters have mixed ranks, and NaN in the rows beyond them."""

    def __init__(
        self,
        slots: torch.Tensor,
        sizes: tuple[int, int, int] = (48, 33, 6),
        dtype: torch.dtype = torch.float32,
        *,
        num_slots: int = 9,
        mixed_ranks: bool = True,
        max_segments: int | None = None,
    ) -> None:
        torch.manual_seed(0)
        wide, out, rank = sizes
        self.slots = slots
        self.max_segments = max_segments
        tokens = slots.shape[0]
        self.x = torch.randn(tokens, wide).to(dtype)
        self.lora_a = (torch.randn(num_slots, rank, wide) / wide**0.5).to(dtype)
        self.lora_b = torch.randn(num_slots, rank, out).to(dtype)
        self.residual = torch.randn(tokens, out).to(dtype)
        self.grad = torch.randn(tokens, out).to(dtype)
        self.scalings = torch.rand(num_slots) + 0.5
        self.ranks = None
        if mixed_ranks:
            live = [rank, 1, rank, rank // 2, 0, rank - 1, min(2, rank)]
            live += [rank] * (num_slots - len(live))
            self.ranks = torch.tensor(live[:num_slots], dtype=torch.int32)
            for slot, live_rank in enumerate(self.ranks.tolist()):
                self.lora_a[slot, live_rank:] = math.nan
                self.lora_b[slot, live_rank:] = math.nan

    def placed(self, guards: Guards | None = None) -> dict[str, torch.Tensor | None]:
        """The operands on the device, behind guard bands if asked for."""
        operands = {
            "x": self.x,
            "lora_a": self.lora_a,
            "lora_b": self.lora_b,
            "scalings": self.scalings,
            "ranks": self.ranks,
            "residual": self.residual,
        }
        if guards is not None:
            return {name: guards.hold(tensor) for name, tensor in operands.items()}
        return {n: None if t is None else t.to(DEVICE) for n, t in operands.items()}

    def route(self) -> Route:
        return Route.from_tokens(
            self.slots.to(DEVICE), max_segments=self.max_segments, impl="triton"
        )

    def plain(self, dtype: torch.dtype) -> tuple[torch.Tensor, ...]:
        """Output and gradients of x, A, B by plain torch in one dtype, as PEFT would."""
        x, a, b = (t.to(dtype).requires_grad_() for t in (self.x, self.lora_a, self.lora_b))
        out = self.residual.to(dtype).clone()
        rows = []
        for t, slot in enumerate(self.slots.tolist()):
            if slot < 0:
                rows.append(out[t])
                continue
            rank = a.shape[1] if self.ranks is None else int(self.ranks[slot])
            delta = (x[t] @ a[slot, :rank].T) @ b[slot, :rank]
            rows.append(out[t] + delta * self.scalings[slot].to(dtype))
        y = torch.stack(rows)
        loss = (y * self.grad.to(dtype)).sum()
        found = (None, None, None)
        if loss.requires_grad:
            found = torch.autograd.grad(loss, (x, a, b), allow_unused=True)
        pairs = zip(found, (x, a, b), strict=True)
        grads = [torch.zeros_like(v) if grad is None else grad for grad, v in pairs]
        return y.detach(), *grads


def row_by_row_matmul(left, right, dtype=None):
    """np.matmul as the interpreter calls it, with one order of summation whatever the rows."""
    return np.einsum("mk,kn->mn", left.astype(dtype), right.astype(dtype), optimize=False)


@pytest.fixture
def row_invariant_dot(monkeypatch):
    """The interpreter's dot is BLAS, whose sums depend on the number of rows; a GPU's do not."""
    if INTERPRETED:
        from triton.runtime import interpreter

        class Numpy:
            matmul = staticmethod(row_by_row_matmul)

            def __getattr__(self, name):
                return getattr(np, name)

        monkeypatch.setattr(interpreter, "np", Numpy())


class NoSync(TorchDispatchMode):
    """Fails where a value travels to the host; notes what is allocated."""

    METHODS = ("tolist", "numpy", "cpu", "item", "__bool__", "__int__")

    FORBIDDEN = ("_local_scalar_dense", "nonzero", "unique", "item", "is_nonzero", "equal")

    def __init__(self) -> None:
        super().__init__()
        self.seen = 0
        self.patch = pytest.MonkeyPatch()
        self.allocated: list[tuple[int, ...]] = []

    def __enter__(self):
        for method in self.METHODS:  # what a CPU tensor does without a dispatch
            self.patch.setattr(torch.Tensor, method, _waits(method))
        return super().__enter__()

    def __exit__(self, *error):
        self.patch.undo()
        return super().__exit__(*error)

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.seen += 1
        name = func.name().split("::")[1]
        assert not any(word in name for word in self.FORBIDDEN), f"{name} waits for the device"
        made = func(*args, **(kwargs or {}))
        if func in ALLOCATIONS:
            self.allocated.append(tuple(made.shape))
        return made


def _waits(method: str):
    def waits(*args, **options):
        raise AssertionError(f"Tensor.{method} waits for the device")

    return waits


class Silent:
    """A kernel that is not run: the interpreter itself reads tensors on the host."""

    def __getitem__(self, grid):
        return lambda *args, **options: None


@pytest.fixture
def no_sync(monkeypatch):
    """A mode under which launchers may not read a tensor; host-side checks of values are off."""
    from t2l_kernels.basis import launch as basis_launch
    from t2l_kernels.lora import launch
    from t2l_kernels.routing import launch as route_launch

    for module in (launch, basis_launch):
        monkeypatch.setattr(module, "_check_values", lambda *args: None)
    for module in (launch, basis_launch, route_launch) if INTERPRETED else ():
        for name in [name for name in vars(module) if name.endswith("_kernel")]:
            monkeypatch.setattr(module, name, Silent())
    monkeypatch.setattr(route_launch, "_check_segments", lambda slots, bound: None)
    return NoSync()
