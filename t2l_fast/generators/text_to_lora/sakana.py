"""Checkpoints that Sakana AI's trainers wrote: `args.yaml`, `adapter_config.json`, `hypermod.pt`.

Shapes come from the tensors, so that neither the base model nor its weights are needed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from t2l_fast.config import LoraConfig
from t2l_fast.encoders.name import CAUSAL
from t2l_fast.errors import CheckpointError, ConfigError
from t2l_fast.generators.parts.trunk_config import TaskEncoder
from t2l_fast.generators.text_to_lora.config import T2LConfig

ARGS, ADAPTER, WEIGHTS = "args.yaml", "adapter_config.json", "hypermod.pt"
Scaling = Literal["published-eval", "train"]
_ATTENTION = {"q_proj", "k_proj", "v_proj", "o_proj"}
_BUFFERS = ("AB_offset", "mean_recon_target", "std_recon_target")


def is_sakana(folder: Path) -> bool:
    """Return whether a folder holds a checkpoint in Sakana AI's format."""
    return (folder / WEIGHTS).is_file() and (folder / ARGS).is_file()


def load(
    folder: Path,
    *,
    scaling: Scaling = "published-eval",
    module_order: Sequence[str] | None = None,
) -> tuple[T2LConfig, dict[str, Tensor]]:
    """Read config and weights, named as in `TextToLora`.

    Args:
        scaling: "published-eval": α/r, with which the published numbers were measured (vLLM 0.5.4
            ignored rsLoRA); "train": α/√r, with which the generator was trained.
        module_order: module types in the order of the type embedding; None = as
            `adapter_config.json` lists them, which is what the training process had.

    Raises:
        CheckpointError: a file is missing or damaged, flags contradict the tensors, a tensor is
            missing or unknown, or a variant that is not run here.
    """
    if scaling not in ("published-eval", "train"):
        raise CheckpointError(f"scaling must be 'published-eval' or 'train', got {scaling!r}")
    args, adapter, state = _read(folder)
    order: list[str] = (
        list(adapter.get("target_modules") or ()) if module_order is None else [*module_order]
    )
    try:
        lora = LoraConfig.from_peft({**adapter, "target_modules": order})
        lora = replace(lora, use_rslora=scaling == "train")
        return _Checkpoint(str(folder), args, lora, state).convert(order)
    except (ConfigError, KeyError) as error:
        raise CheckpointError(
            f"{folder} must be a Text-to-LoRA checkpoint as documented, got {error}"
        ) from error


def _read(folder: Path) -> tuple[dict[str, Any], dict[str, Any], dict[str, Tensor]]:
    import yaml

    try:
        args = yaml.safe_load((folder / ARGS).read_text())
        adapter = json.loads((folder / ADAPTER).read_text())
        state = torch.load(folder / WEIGHTS, map_location="cpu", weights_only=True)
        if not (isinstance(args, dict) and isinstance(adapter, dict) and isinstance(state, dict)):
            raise ValueError("a file does not hold a mapping")
        odd = [n for n, t in state.items() if not (isinstance(n, str) and isinstance(t, Tensor))]
        if odd:
            raise ValueError(f"{odd[0]!r} in {WEIGHTS} is no tensor with a name")
    except Exception as error:  # torch.load and yaml raise many kinds; all mean damage
        reason = (str(error).strip() or type(error).__name__).split("\n", 1)[0]
        raise CheckpointError(
            f"Sakana's checkpoint must hold {ARGS}, {ADAPTER} and {WEIGHTS} (tensors alone), but "
            f"{folder} can't be read: {reason}"
        ) from error
    return args, adapter, {name: t.float() for name, t in state.items()}


@dataclass(frozen=True)
class _Checkpoint:
    """What was read, on its way to our names and layouts."""

    name: str
    args: Mapping[str, Any]
    lora: LoraConfig
    state: dict[str, Tensor]

    def convert(self, order: list[str]) -> tuple[T2LConfig, dict[str, Tensor]]:
        state, args, recon = self.state, self.args, self.args.get("training_task") == "recon"
        heads = sorted({key.split(".")[1] for key in state if key.startswith("heads.")})
        if sorted(order) != heads:
            self._fail(f"target modules {heads}, as the heads are", order)
        if recon and args.get("mt_lora_path"):
            self._fail("no mt_lora_path for reconstruction", args["mt_lora_path"])
        task_encoder = self._task_encoder()
        shapes = {m: self._sizes(m) for m in order}
        layers = state[f"AB_offset.A.{order[0]}"].shape[0]
        shared, by_rank = any(k.startswith("out_emb.") for k in state), self._by_rank(shapes)
        for flag, actual in (("shared_AB_head", shared), ("autoreg_gen", by_rank)):
            if bool(args.get(flag, actual)) != actual:
                self._fail(f"{flag}={actual}, as the tensors are", args[flag])
        z_scores = recon and bool(args.get("pred_z_score")) and bool(args.get("factorized", True))
        one_hot = bool(args.get("use_one_hot_task_emb"))
        offset = self._offset(recon)
        config = T2LConfig(
            arch=("S" if by_rank else "M") if shared else "L",
            rank_rows=by_rank and not shared,
            rank_positions="learnable" if "pos_emb.0.weight" in state else "rotary",
            latent_size=self._latent_size(task_encoder),
            head_in_size=state["mlp3.4.weight"].shape[0],
            task_embedding_size=state["task_encoder.mlp.0.weight"].shape[1],
            task_encoder=task_encoder,
            num_layers=layers,
            module_shapes=shapes,
            lora=self.lora,
            head_bias=f"heads.{order[0]}.bias" in state,
            base_model=args.get("model_dir") or None,
            encoder="one_hot" if one_hot else self._encoder(),
            task_names=tuple(args.get("train_ds_names") or ()) if one_hot else (),
            offset=offset,
            z_scores=z_scores,
            module_paths={m: tuple(_path(i, m) for i in range(layers)) for m in order},
        )
        weights = self._weights(offset != "none", z_scores)
        if recon and not args.get("factorized", True):
            self._rescale(weights)
        return config, weights

    def _encoder(self) -> str | None:
        """Return the text encoder's name; "" in the file is the base model's last token."""
        named, base = self.args.get("emb_model"), self.args.get("model_dir")
        return f"{CAUSAL}{base}" if named == "" and base else named or None

    def _task_encoder(self) -> TaskEncoder:
        """From the tensors: the released trainer ignores `encoder_type` and builds a linear one."""
        names = {k.removeprefix("task_encoder.") for k in self.state if k.startswith("task_enc")}
        kind: TaskEncoder = "linear"
        if "embed" in names:
            kind = "vq" if "embed_avg" in names else "softmax"
        elif "mlp.3.weight" in names:
            kind = "discrete"
        flag = self.args.get("encoder_type", kind)
        if kind not in ("linear", flag):
            self._fail(f"encoder_type '{kind}', as the tensors are", flag)
        return kind

    def _latent_size(self, task_encoder: TaskEncoder) -> int:
        """Twice the task encoder's width; of discrete ones, whose trunk doesn't have it, the flag.

        128 is what the trainer had without the flag.
        """
        if task_encoder == "discrete":
            return int(self.args.get("hypernet_latent_size", 128))
        norm = "mlp.1" if task_encoder == "linear" else "ln"
        return 2 * self.state[f"task_encoder.{norm}.weight"].shape[0]

    def _sizes(self, module: str) -> tuple[int, int]:
        """(in, out) of one module type, from the offsets that every checkpoint holds."""
        a = self.state[f"AB_offset.A.{module}"]
        b = self.state[f"AB_offset.B.{module}"]
        if a.dim() != 3 or b.dim() != 3 or {a.shape[1], b.shape[2]} != {self.lora.rank}:
            self._fail(f"offsets of rank {self.lora.rank}", (tuple(a.shape), tuple(b.shape)))
        return a.shape[2], b.shape[1]

    def _by_rank(self, shapes: dict[str, tuple[int, int]]) -> bool:
        """Whether heads make one rank row at a time: they are narrower by the rank."""
        shared = any(key.startswith("out_emb.") for key in self.state)
        m, (size_in, size_out) = next(iter(shapes.items()))
        row = max(size_in, size_out) if shared else size_in + size_out
        width = self.state[f"heads.{m}.weight"].shape[0]
        if width not in (row, row * self.lora.rank):
            self._fail(f"heads of {row} or {row * self.lora.rank} outputs for {m}", width)
        if self.lora.rank == 1:
            return bool(self.args.get("autoreg_gen"))
        return width == row

    def _offset(self, recon: bool) -> Literal["none", "fixed", "learnable"]:
        """Offsets belong to end-to-end training, where most are zero."""
        used = any(t.any() for k, t in self.state.items() if k.startswith("AB_offset."))
        if recon or not (used or self.args.get("learnable_AB_offset")):
            return "none"
        return "learnable" if self.args.get("learnable_AB_offset") else "fixed"

    def _weights(self, offset: bool, z_scores: bool) -> dict[str, Tensor]:
        """Tensors that generation reads; B rank-major."""
        wanted = {"AB_offset": offset, "mean_recon_target": z_scores, "std_recon_target": z_scores}
        weights = {}
        for key, tensor in self.state.items():
            owner, _, rest = key.partition(".")
            if not wanted.get(owner, True):
                continue
            turned = owner in _BUFFERS and rest.startswith("B.")
            weights[key] = tensor.mT.contiguous() if turned else tensor
        return weights

    def _rescale(self, weights: dict[str, Tensor]) -> None:
        """ΔW was learned times `delta_w_scaling`: A and B give back its root each."""
        root = float(self.args.get("delta_w_scaling", 1e4)) ** 0.5
        for key in weights:
            if key.startswith("heads."):
                weights[key] = weights[key] / root

    def _fail(self, expected: str, got: object) -> None:
        raise CheckpointError(f"the checkpoint {self.name} must have {expected}, got {got}")


def _path(layer: int, module: str) -> str:
    """As the published exporter names modules; Mistral, Llama and Gemma have these names."""
    parent = "self_attn" if module in _ATTENTION else "mlp"
    return f"model.layers.{layer}.{parent}.{module}"
