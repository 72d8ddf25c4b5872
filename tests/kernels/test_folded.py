"""fold_head and fold_latents: the head's own rows, gradients, padding, what has no such form."""

import pytest
import torch

from t2l_fast.ops import fold_head, fold_latents
from t2l_kernels import ArgumentError
from t2l_kernels.heads.api import head

LAYERS, ADAPTERS, RANK, WIDTH, HIDDEN = 3, 2, 5, 21, 13
ADDED = {"nothing": (), "offset": ("offset",), "mean": ("mean",), "both": ("offset", "mean")}


def parts(dtype: torch.dtype = torch.float64) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    shapes = {
        "latents": (LAYERS, ADAPTERS, RANK, HIDDEN),
        "weight": (1, WIDTH, HIDDEN),
        "bias": (1, WIDTH),
        "offset": (LAYERS, RANK, WIDTH),
        "mean": (LAYERS, RANK, WIDTH),
    }
    return {name: torch.randn(*shape, dtype=dtype) for name, shape in shapes.items()}


def rows(given, bias: bool, added: tuple[str, ...]) -> torch.Tensor:
    basis = fold_head(
        given["weight"], given["bias"] if bias else None, **{name: given[name] for name in added}
    )
    return fold_latents(given["latents"], bias=bias, added=bool(added)) @ basis[:, None]


@pytest.mark.parametrize("added", ADDED)
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
def test_cores_times_basis_are_the_rows_of_the_head(bias, added):
    given = parts()
    extras = {name: given[name] for name in ADDED[added]}
    expected = head(
        given["latents"], given["weight"], given["bias"] if bias else None, **extras,
        impl="reference",
    )  # fmt: skip
    torch.testing.assert_close(rows(given, bias, ADDED[added]), expected)


def test_hidden_sizes_are_multiples_of_16_and_layers_share_a_basis_where_they_can():
    given = parts()
    assert fold_head(given["weight"]).shape == (1, 16, WIDTH)
    assert fold_head(given["weight"], given["bias"]).shape == (1, 16, WIDTH)
    whole = fold_head(given["weight"], given["bias"], offset=given["offset"])
    assert whole.shape == (LAYERS, 32, WIDTH)
    assert fold_latents(given["latents"], bias=True, added=True).shape[-1] == 32


def test_gradients_are_those_of_the_head():
    grads = []
    for folded in (True, False):
        given = {name: t.requires_grad_() for name, t in parts().items()}
        extras = {"offset": given["offset"], "mean": given["mean"]}
        out = (
            rows(given, True, ADDED["both"])
            if folded
            else head(given["latents"], given["weight"], given["bias"], **extras)
        )
        out.square().sum().backward()
        grads.append([t.grad for t in given.values()])
    for mine, expected in zip(*grads, strict=True):
        torch.testing.assert_close(mine, expected)


BAD = {
    "std must be None": lambda g: fold_head(g["weight"], std=g["mean"]),
    r"weight must have shape \[1, d, h\]": lambda g: fold_head(g["latents"][0]),
    r"bias must have shape \[1, d\]": lambda g: fold_head(g["weight"], g["bias"][:, 1:]),
    r"mean must have shape": lambda g: fold_head(
        g["weight"], offset=g["offset"], mean=g["mean"][1:]
    ),
    "bias must be torch.float64 like weight": lambda g: fold_head(g["weight"], g["bias"].float()),
    r"latents must have shape": lambda g: fold_latents(g["latents"][0]),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_named(message):
    with pytest.raises(ArgumentError, match=message):
        BAD[message](parts())
