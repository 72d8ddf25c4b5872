"""Cross-entropy in pieces: torch's numbers and gradients, without its copies."""

import pytest
import torch
from torch.nn import functional

from t2l_fast.train.model import cross_entropy as module
from t2l_fast.train.model.cross_entropy import cross_entropy

ROWS, VOCABULARY = 7, 40


@pytest.fixture(params=[1, 3 * VOCABULARY, 1 << 20], ids=["row by row", "three rows", "whole"])
def pieces(request, monkeypatch):
    monkeypatch.setattr(module, "_ELEMENTS", request.param)


@pytest.fixture
def labels():
    return torch.randint(0, VOCABULARY, (ROWS,), generator=torch.Generator().manual_seed(1))


def logits(dtype=torch.float64) -> torch.Tensor:
    made = 5 * torch.randn(ROWS, VOCABULARY, generator=torch.Generator().manual_seed(0))
    return made.to(dtype).requires_grad_()


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
def test_losses_and_gradients_are_torchs(labels, smoothing, pieces):
    mine, other = logits(), logits()
    weights = torch.rand(ROWS, dtype=torch.float64)
    found = cross_entropy(mine, labels, smoothing)
    wanted = functional.cross_entropy(other, labels, reduction="none", label_smoothing=smoothing)
    torch.testing.assert_close(found, wanted)
    (found @ weights).backward()
    (wanted @ weights).backward()
    torch.testing.assert_close(mine.grad, other.grad)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_sixteen_bits_are_summed_in_32(labels, dtype, pieces):
    mine = logits(dtype)
    truth = mine.detach().double().requires_grad_()
    found, wanted = cross_entropy(mine, labels, 0.1), cross_entropy(truth, labels, 0.1)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, wanted.float())
    found.sum().backward()
    wanted.sum().backward()
    assert mine.grad.dtype == dtype
    error = (mine.grad.double() - truth.grad).abs().max()
    assert error <= torch.finfo(dtype).eps


def test_huge_logits_overflow_nothing(labels):
    found = cross_entropy(1e30 * logits(torch.float32), labels)
    assert found.isfinite().all()


def test_the_gradient_needs_no_memory_but_its_own(labels, monkeypatch):
    """A fp32 copy of the logits, or of the gradient, would be twice their size."""
    monkeypatch.setattr(module, "_ELEMENTS", VOCABULARY)
    largest = []
    made = logits(torch.bfloat16)

    class Watch(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            out = func(*args, **(kwargs or {}))
            if isinstance(out, torch.Tensor) and out.dtype == torch.float32:
                largest.append(out.numel())
            return out

    with Watch():
        loss = cross_entropy(made, labels, 0.1)
        torch.autograd.grad(loss.sum(), made)
    assert max(largest) == VOCABULARY
