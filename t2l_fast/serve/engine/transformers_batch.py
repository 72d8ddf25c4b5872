"""A batch of transformers' continuous batching, with an adapter slot for every token.

It and `transformers_loop` are the two files that reach into the library. It relies on:

- A batch's small inputs are rows of one static tensor, sized by `static_inputs`.
- `prepare_batch_tensors` fills them in the order of its requests.
- The loop asks `input_queue` for requests between two steps, and only then.
- Outputs go through `output_router`.
"""

# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false
# pyright: reportIncompatibleMethodOverride=false

from __future__ import annotations

import queue
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from transformers.generation.continuous_batching.continuous_api import OutputRouter
from transformers.generation.continuous_batching.input_outputs import ContinuousBatchingIOs
from transformers.generation.continuous_batching.model_runner import ModelRunner
from transformers.generation.continuous_batching.requests import (
    FutureRequestState,
    GenerationOutput,
    RequestState,
)

from t2l_fast.adapters import Adapters
from t2l_fast.serve.engine.loop import Loop, Owner, Work
from t2l_fast.serve.engine.paged_attention import plan


class Feed:
    """The loop's queue of new requests, which it reads between two steps; its owner fills it."""

    def __init__(self, owner: Owner, loop: Loop) -> None:
        self._owner, self._loop = owner, loop
        self._ready: list[RequestState] = []

    def empty(self) -> bool:
        """Return whether nothing is to begin, once the owner was asked."""
        if not self._ready:
            self._ready = [_state(r) for r in self._owner.between_steps(self._loop)]
        return not self._ready

    def get_nowait(self) -> RequestState:
        """Return the next request to begin."""
        if not self._ready:
            raise queue.Empty
        return self._ready.pop(0)


def _state(request: Work) -> RequestState:
    return RequestState(
        request_id=request.key,
        initial_tokens=request.prompt,
        max_new_tokens=request.params.max_tokens,
        eos_token_id=list(request.eos) or None,
        streaming=True,
    )


class SlotIOs(ContinuousBatchingIOs):
    """Inputs of a batch with one more static row, which travels with the others: token slots.

    The row belongs to this object: a batch prepared while another runs has one of its own.
    """

    static_inputs = ContinuousBatchingIOs.static_inputs + 1

    def __init__(self, *, slot_of: Callable[[str], int], **kwargs: Any) -> None:
        self._slot_of = slot_of
        super().__init__(**kwargs)

    @property
    def slots(self) -> Tensor:
        """`[max_batch_tokens]` int32; −1 = base model, and padding."""
        return self._bulk_input_tensor[self.static_inputs - 1, : self.cache.max_batch_tokens]

    def prepare_batch_tensors(
        self, requests_in_batch: list[FutureRequestState], *args: Any, **kwargs: Any
    ) -> None:
        """Prepare a step as transformers does, and the slot of each token beside it."""
        super().prepare_batch_tensors(requests_in_batch, *args, **kwargs)
        row = [
            slot
            for future in requests_in_batch
            for slot in [self._slot_of(future.state.request_id)] * future.query_length
        ]
        self.slots.fill_(-1)
        self.slots[: len(row)] = torch.tensor(row, dtype=torch.int32)


class SlotRunner(ModelRunner):
    """Runs a batch with its slots in use, and samples each request by its own parameters."""

    def __init__(self, *, adapters: Adapters, owner: Owner, paged: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._adapters, self._owner, self._paged = adapters, owner, paged

    def supports_logits_to_keep(self, model: Any) -> bool:
        """Return False also where the output head carries adapters: it must see every token."""
        return super().supports_logits_to_keep(model) and not on_head(model, self._adapters)

    def _forward_process_and_sample(self, model: nn.Module, batch_data: dict, *args: Any) -> None:
        io = self.inputs_and_outputs
        if self._paged:
            queries, keys = batch_data["cu_seq_lens_q"], *batch_data["cu_seq_lens_k"].values()
            lengths = queries.diff().tolist(), keys.diff().tolist()
            batch_data["paged_groups"] = plan(*lengths, batch_data["read_index"][0])
            # under "cache", models of 5.24 would take it for theirs, and read all requests' keys
            batch_data["pages"] = batch_data.pop("cache")
        slots = io.slots[: io.num_q_tokens]
        adapted = bool((slots >= 0).any())
        with self._owner.use(slots.unsqueeze(0)) if adapted else nullcontext():
            super()._forward_process_and_sample(model, batch_data, *args)

    def _sample(self, scores: Tensor, output_ids: Tensor) -> None:
        # rows are the requests whose prompt is done, in order; what follows them is padding
        batch = self.inputs_and_outputs.requests_in_batch
        keys = [f.state.request_id for f in batch if f.has_new_token]
        if keys:
            output_ids[0, : len(keys)].copy_(self._owner.choose(keys, scores[0, : len(keys)]))


class Router(OutputRouter):
    """Hands what the loop puts out to the requests' owner."""

    def __init__(self, owner: Owner, loop: Loop) -> None:
        super().__init__()
        self._owner, self._loop = owner, loop

    def deliver(self, output: GenerationOutput) -> None:
        """Hand over one request's output."""
        if output.error is not None:
            self._owner.fail(output.request_id, output.error)
            return
        self._owner.deliver(
            output.request_id,
            output.generated_tokens,
            finished=output.is_finished(),
            loop=self._loop,
        )

    def deliver_batch(self, outputs: list[GenerationOutput]) -> None:
        """Hand over all outputs of a step."""
        for output in outputs:
            self.deliver(output)


def on_head(model: Any, adapters: Adapters) -> bool:
    """Return whether the output head carries adapters, so that it has to see every token."""
    head = model.get_output_embeddings()
    return any(head is site.module for group in adapters.sites.values() for site in group)
