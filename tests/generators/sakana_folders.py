"""Folders as Sakana's trainer writes them, and its network step by step in fp64."""

import json
import math

import torch
import yaml

from t2l_fast.generators import TextToLora

LAYERS, RANK, LATENT, HEAD, WIDTH = 3, 4, 16, 20, 10
SIZES = {"v_proj": (24, 12), "q_proj": (24, 24), "up_proj": (24, 40)}
VARIANTS = {
    "L": {},
    "M": {"shared_AB_head": True},
    "S": {"shared_AB_head": True, "autoreg_gen": True},
    "S, learnable positions": {
        "shared_AB_head": True,
        "autoreg_gen": True,
        "learnable_pos_emb": True,
    },
    "L, rank by rank": {"autoreg_gen": True},
    "L, learnable positions": {"autoreg_gen": True, "learnable_pos_emb": True},
}
TRAINED = {
    "sft": {"training_task": "sft"},
    "sft with offsets": {"training_task": "sft", "learnable_AB_offset": True},
    "recon, z-scores": {"training_task": "recon", "pred_z_score": True, "factorized": True},
    "recon, raw": {"training_task": "recon", "pred_z_score": False, "factorized": True},
    "recon of ΔW": {
        "training_task": "recon",
        "pred_z_score": False,
        "factorized": False,
        "delta_w_scaling": 1e4,
    },
    "recon of ΔW as published": {
        "training_task": "recon",
        "pred_z_score": True,
        "factorized": False,
        "delta_w_scaling": 1e4,
    },
}


def head_width(args: dict, module: str) -> int:
    size_in, size_out = SIZES[module]
    row = max(size_in, size_out) if args.get("shared_AB_head") else size_in + size_out
    return row if args.get("autoreg_gen") else RANK * row


def make_state(args: dict, head_bias: bool) -> dict[str, torch.Tensor]:
    """The documented key table, random; buffers are there whatever the training was."""
    draws = torch.Generator().manual_seed(0)
    m = LATENT

    def linear(name: str, out: int, size: int, bias: bool = True) -> dict[str, torch.Tensor]:
        weight = {f"{name}.weight": torch.randn(out, size, generator=draws) / size**0.5}
        return weight | ({f"{name}.bias": torch.randn(out, generator=draws)} if bias else {})

    def norm(name: str, width: int) -> dict[str, torch.Tensor]:
        random = torch.rand(2, width, generator=draws)
        return {f"{name}.weight": random[0] + 0.5, f"{name}.bias": random[1]}

    def table(name: str, count: int, width: int) -> dict[str, torch.Tensor]:
        rows = {f"{name}.0.weight": torch.randn(count, width, generator=draws)}
        return rows | norm(f"{name}.1", width)

    state = linear("task_encoder.mlp.0", m // 2, WIDTH) | norm("task_encoder.mlp.1", m // 2)
    state |= table("layer_depth_encoder", LAYERS, m // 4)
    state |= table("layer_type_encoder", len(SIZES), m // 4)
    state |= linear("mixer.1", 4 * m, m) | linear("mixer.4", m, 4 * m)
    for name in ("mlp1.mlp", "mlp2.mlp"):
        state |= (
            norm(f"{name}.0", m) | linear(f"{name}.1", 4 * m, m) | linear(f"{name}.4", m, 4 * m)
        )
    state |= norm("mlp3.0", m) | linear("mlp3.1", 4 * m, m) | linear("mlp3.4", HEAD, 4 * m)
    for module, (size_in, size_out) in SIZES.items():
        state |= linear(f"heads.{module}", head_width(args, module), HEAD, head_bias)
        shapes = {"A": (LAYERS, RANK, size_in), "B": (LAYERS, size_out, RANK)}
        for part, shape in shapes.items():
            offset = torch.randn(shape, generator=draws) * bool(args.get("learnable_AB_offset"))
            state[f"AB_offset.{part}.{module}"] = offset
            state[f"mean_recon_target.{part}.{module}"] = torch.randn(shape, generator=draws)
            state[f"std_recon_target.{part}.{module}"] = torch.rand(shape, generator=draws) + 0.1
            if args.get("shared_AB_head"):
                state[f"out_emb.{module}.{part}"] = torch.randn(m, generator=draws)
    if args.get("shared_AB_head"):
        state |= norm("out_emb_norm", m)
    if args.get("learnable_pos_emb"):
        state |= table("pos_emb", RANK, m)
    return state


def write(folder, args: dict, *, head_bias=True, order=tuple(SIZES), state=None, **adapter):
    folder.mkdir(parents=True, exist_ok=True)
    state = make_state(args, head_bias) if state is None else state
    torch.save(state, folder / "hypermod.pt")
    common = {"model_dir": "mistralai/Mistral-7B-Instruct-v0.2", "emb_model": "some/encoder"}
    (folder / "args.yaml").write_text(yaml.safe_dump(common | {"encoder_type": "linear"} | args))
    config = dict(
        peft_type="LORA", task_type="CAUSAL_LM", r=RANK, lora_alpha=16, lora_dropout=0.05,
        use_rslora=True, target_modules=list(order), bias="none",
    )  # fmt: skip
    (folder / "adapter_config.json").write_text(json.dumps(config | adapter))
    return state


def published(
    state, args: dict, code, layer: int, module: str
) -> tuple[torch.Tensor, torch.Tensor]:
    """A `[rank, in]` and B `[out, rank]` of one layer and module, step by step in fp64."""
    p = {name: t.double() for name, t in state.items()}
    silu = torch.nn.functional.silu

    def lin(name, x):
        out = p[f"{name}.weight"] @ x
        return out + p[f"{name}.bias"] if f"{name}.bias" in p else out

    def norm(name, x):
        centred = x - x.mean()
        scaled = centred / torch.sqrt(centred.square().mean() + 1e-5)
        return scaled * p[f"{name}.weight"] + p[f"{name}.bias"]

    def residual(name, x):
        y = silu(lin(f"{name}.mlp.1", norm(f"{name}.mlp.0", x)))
        return x + silu(lin(f"{name}.mlp.4", y))

    def last(x):
        return silu(lin("mlp3.4", silu(lin("mlp3.1", norm("mlp3.0", x)))))

    def rotary(x, position):
        half = LATENT // 2
        out = torch.empty_like(x)
        for i in range(half):
            angle = position * 10000.0 ** (-2 * i / LATENT)
            cos, sin = math.cos(angle), math.sin(angle)
            out[i] = x[i] * cos - x[i + half] * sin
            out[i + half] = x[i + half] * cos + x[i] * sin
        return out

    def by_rank(x, r):
        learnable = "pos_emb.0.weight" in p
        position = norm("pos_emb.1", p["pos_emb.0.weight"][r]) if learnable else None
        if not args.get("shared_AB_head"):
            return residual("mlp2", x + position if learnable else rotary(x, r))
        v = residual("mlp2", x)
        return v + residual("mlp2", position) if learnable else residual("mlp2", rotary(v, r))

    task = norm("task_encoder.mlp.1", lin("task_encoder.mlp.0", code.double()))
    depth = norm("layer_depth_encoder.1", p["layer_depth_encoder.0.weight"][layer])
    kind = norm("layer_type_encoder.1", p["layer_type_encoder.0.weight"][list(SIZES).index(module)])
    u = residual("mlp1", silu(lin("mixer.4", silu(lin("mixer.1", torch.cat([task, depth, kind]))))))
    size_in, size_out = SIZES[module]
    made = {}
    for part, size in (("A", size_in), ("B", size_out)):
        start = 0 if part == "A" or args.get("shared_AB_head") else size_in
        x = u
        if args.get("shared_AB_head"):
            x = u + norm("out_emb_norm", p[f"out_emb.{module}.{part}"])
        if args.get("autoreg_gen"):
            rows = [lin(f"heads.{module}", last(by_rank(x, r)))[start : start + size]
                    for r in range(RANK)]  # fmt: skip
            made[part] = torch.stack(rows)
        else:
            flat = lin(f"heads.{module}", last(residual("mlp2", x)))
            width = max(SIZES[module]) if args.get("shared_AB_head") else size
            made[part] = flat[RANK * start : RANK * (start + width)].view(RANK, width)[:, :size]
    a, b = made["A"], made["B"].T
    recon = args.get("training_task") == "recon"
    if not recon:
        a = a + p[f"AB_offset.A.{module}"][layer]
        b = b + p[f"AB_offset.B.{module}"][layer]
    elif not args["factorized"]:
        a, b = a / 100.0, b / 100.0
    elif args["pred_z_score"]:
        a, b = (
            x * (p[f"std_recon_target.{part}.{module}"][layer] + 1e-10)
            + p[f"mean_recon_target.{part}.{module}"][layer]
            for part, x in (("A", a), ("B", b))
        )
    return a, b


def equals_published(folder, state, args, order=None) -> TextToLora:
    generator = TextToLora.from_pretrained(folder, module_order=order)
    codes = torch.randn(2, WIDTH, generator=torch.Generator().manual_seed(9))
    batch = generator.double().generate(codes=codes.double())
    for n, code in enumerate(codes):
        for module in SIZES:
            for layer in range(LAYERS):
                a, b = published(state, args, code, layer, module)
                torch.testing.assert_close(batch.lora_a[module][layer, n], a, rtol=1e-5, atol=1e-6)
                torch.testing.assert_close(
                    batch.lora_b[module][layer, n], b.T, rtol=1e-5, atol=1e-6
                )
    return generator
