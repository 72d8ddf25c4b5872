"""Generators with each task encoder, and their network written out step by step in fp64."""

import torch

import t2l_fast as t2l
from t2l_fast.generators import T2LConfig, TextToLora

KINDS = ["linear", "discrete", "vq", "softmax"]
SIZES = {"v_proj": (12, 8), "up_proj": (12, 20)}
LAYERS, RANK, D = 3, 2, 10
ARCHS = {
    "L": {"arch": "L"},
    "M": {"arch": "M"},
    "S": {"arch": "S", "rank_positions": "learnable"},
    "L, rank by rank": {"arch": "L", "rank_rows": True, "rank_positions": "learnable"},
}


def config_of(kind: str, **options) -> T2LConfig:
    options = {"arch": "L", "latent_size": 16, "head_in_size": 6, "dropout": 0.0} | options
    return T2LConfig(
        task_embedding_size=D,
        num_layers=LAYERS,
        module_shapes=SIZES,
        lora=t2l.LoraConfig(tuple(SIZES), RANK, 4),
        module_paths={m: tuple(f"model.layers.{i}.{m}" for i in range(LAYERS)) for m in SIZES},
        task_encoder=kind,
        **options,
    )


def trained(kind: str, **options) -> TextToLora:
    """As after training: no parameter is zero, codes matter, and codebooks have moved."""
    torch.manual_seed(1)
    generator = TextToLora(config_of(kind, **options))
    draws = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=draws), alpha=0.3)
        for _ in range(3):
            generator(torch.randn(5, D, generator=draws))
    return generator.eval()


def silu(x):
    return x / (1 + torch.exp(-x))


def norm(w, name, x):
    centred = x - x.mean()
    scaled = centred / (centred.square().mean() + 1e-5).sqrt()
    return scaled * w[f"{name}.weight"] + w[f"{name}.bias"]


def affine(w, name, x):
    return w[f"{name}.weight"] @ x + w[f"{name}.bias"]


def residual(w, name, x):
    y = silu(affine(w, f"{name}.mlp.1", norm(w, f"{name}.mlp.0", x)))
    return x + silu(affine(w, f"{name}.mlp.4", y))


def encoded(w, kind: str, code) -> torch.Tensor:
    """One task embedding, one step after the other, in eval mode."""
    first = affine(w, "task_encoder.mlp.0", code)
    if kind == "linear":
        return norm(w, "task_encoder.mlp.1", first)
    z = affine(w, "task_encoder.mlp.3", silu(first))
    if kind == "discrete":
        best = max(range(64), key=lambda i: z[i])
        return torch.tensor([float(i == best) for i in range(64)], dtype=z.dtype)
    book = w["task_encoder.embed"]
    if kind == "vq":
        gaps = [(z - book[:, i]).square().sum() for i in range(32)]
        return norm(w, "task_encoder.ln", book[:, min(range(32), key=lambda i: gaps[i])])
    shares = torch.exp(z) / torch.exp(z).sum()
    return norm(w, "task_encoder.ln", sum(shares[i] * book[i] for i in range(32)))


def written_out(w, config: T2LConfig, code, layer: int, module: str, part: str) -> torch.Tensor:
    """A or B `[rank, d]` of one layer and module for one code, row by row in fp64."""
    task = encoded(w, config.task_encoder, code)
    kind = list(SIZES).index(module)
    if config.task_encoder == "discrete":
        depth = torch.tensor([float(i == layer) for i in range(LAYERS)], dtype=task.dtype)
        place = torch.tensor([float(i == kind) for i in range(len(SIZES))], dtype=task.dtype)
    else:
        depth = w["layer_depth_encoder.0.weight"][layer]
        depth = norm(w, "layer_depth_encoder.1", depth)
        place = norm(w, "layer_type_encoder.1", w["layer_type_encoder.0.weight"][kind])
    x = torch.cat([task, depth, place])
    u = residual(w, "mlp1", silu(affine(w, "mixer.4", silu(affine(w, "mixer.1", x)))))
    if config.arch != "L":
        u = u + norm(w, "out_emb_norm", w[f"out_emb.{module}.{part}"])
    size_in, size_out = SIZES[module]
    rows = []
    for r in range(RANK):
        position = norm(w, "pos_emb.1", w["pos_emb.0.weight"][r]) if config.rank_by_rank else 0.0
        if config.arch == "L":
            here = residual(w, "mlp2", u + position)
        else:
            here = residual(w, "mlp2", u)
            if config.rank_by_rank:
                here = here + residual(w, "mlp2", position)
        y = silu(affine(w, "mlp3.4", silu(affine(w, "mlp3.1", norm(w, "mlp3.0", here)))))
        y = affine(w, f"heads.{module}", y)
        size = size_in if part == "A" else size_out
        width = size if config.arch == "L" else max(size_in, size_out)
        ranks = 1 if config.rank_by_rank else RANK
        start = 0 if part == "A" or config.arch != "L" else ranks * size_in
        rows.append(y[start + (0 if config.rank_by_rank else r) * width :][:size])
    return torch.stack(rows)


def assert_same_adapters(one: TextToLora, other: TextToLora, codes: torch.Tensor) -> None:
    """Both generate the same bits."""
    pairs = zip(
        one.generate(codes=codes).parameters(),
        other.generate(codes=codes).parameters(),
        strict=True,
    )
    assert all(torch.equal(a, b) for a, b in pairs)
