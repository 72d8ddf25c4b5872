"""A token's result, to the bit, whatever else is in the batch."""

import pytest
import torch

from t2l_kernels import Route, multi_lora
from t2l_kernels.lora.plans import row_block
from tests.kernels.popular import popular
from tests.kernels.triton.conftest import DEVICE, Case, row_by_row_matmul

SIZES = (1280, 128, 12)


pytestmark = pytest.mark.usefixtures("row_invariant_dot")


def outputs(case: Case, tokens: torch.Tensor, max_segments: int | None = None) -> torch.Tensor:
    """Rows `tokens` of the case, run as a batch of their own: output and gradient of x."""
    held = case.placed()
    tokens = tokens.to(DEVICE)
    x = held["x"][tokens].requires_grad_()
    route = Route.from_tokens(
        case.slots.to(DEVICE)[tokens], max_segments=max_segments, impl="triton"
    )
    out = multi_lora(
        x,
        held["lora_a"],
        held["lora_b"],
        route,
        scalings=held["scalings"],
        ranks=held["ranks"],
        residual=held["residual"][tokens],
        impl="triton",
    )
    (grad_x,) = torch.autograd.grad(out, x, case.grad.to(DEVICE)[tokens])
    return torch.cat([out.detach(), grad_x], dim=1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("kind", ["uniform", "skewed"])
def test_alone_in_a_pair_or_in_the_batch(kind, dtype):
    case = Case(popular(kind, 40, 9), SIZES, dtype)
    together = outputs(case, torch.arange(40))
    for tokens in ([0], [7, 23], list(range(39, -1, -1)), [5, 5, 5], list(range(17))):
        chosen = torch.tensor(tokens)
        assert torch.equal(outputs(case, chosen), together[chosen.to(DEVICE)]), tokens


def test_blocks_of_16_and_of_64_rows_give_the_same_bits():
    case = Case(torch.tensor([3] * 150 + [-1] * 7 + [5] * 80), SIZES, torch.float16)
    tokens = torch.arange(237)
    blocks = [row_block(237, bound, SIZES[0], SIZES[2], torch.float16) for bound in (237, 3)]
    assert blocks == [16, 64]
    assert torch.equal(outputs(case, tokens), outputs(case, tokens, max_segments=3))


@pytest.mark.interpreted
def test_the_swapped_dot_is_what_makes_rows_independent():
    """Else the tests above would pass for the wrong reason."""
    generator = torch.Generator().manual_seed(0)
    left = torch.randn(16, 64, generator=generator).numpy()
    right = torch.randn(64, 16, generator=generator).numpy()
    whole = row_by_row_matmul(left, right, left.dtype)
    for row in range(16):
        alone = left * 0
        alone[0] = left[row]
        assert (row_by_row_matmul(alone, right, left.dtype)[0] == whole[row]).all()
