"""transformers' continuous batching, with an adapter slot for every token.

The one file that reaches into it. Tested with the releases that `supported` names. It relies on:

- A batch's small inputs are rows of one static tensor, sized by `static_inputs`.
- `prepare_batch_tensors` fills them in the order of its requests.
- The loop asks `input_queue` for requests between two steps, and only then.
- Outputs go through `output_router`.
"""

# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false
# pyright: reportIncompatibleMethodOverride=false

from __future__ import annotations

import inspect
import logging
import queue
import threading
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, GenerationConfig
from transformers.generation.configuration_utils import ContinuousBatchingConfig
from transformers.generation.continuous_batching.continuous_api import (
    ContinuousBatchingManager,
    ContinuousBatchProcessor,
    OutputRouter,
)
from transformers.generation.continuous_batching.input_outputs import ContinuousBatchingIOs
from transformers.generation.continuous_batching.model_runner import (
    ModelRunner,
    infer_max_single_request_tokens,
)
from transformers.generation.continuous_batching.requests import (
    FutureRequestState,
    GenerationOutput,
    RequestState,
)

from t2l_fast.adapters import Adapters
from t2l_fast.attention import packable
from t2l_fast.errors import EngineError
from t2l_fast.serve.engine.config import EngineConfig
from t2l_fast.serve.engine.loop import Loop, Owner
from t2l_fast.serve.engine.paged_attention import ATTENTION, attend_paged, plan
from t2l_fast.serve.engine.request import Request
from t2l_fast.serve.engine.trace import first_line, where

log = logging.getLogger("t2l_fast.serve")

START_SECONDS = 10.0
"""For the loop to turn once."""


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


def _state(request: Request) -> RequestState:
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
        """False too where the output head carries adapters: it has to see every token then."""
        head = model.get_output_embeddings()
        sites = [site.module for group in self._adapters.sites.values() for site in group]
        return super().supports_logits_to_keep(model) and all(head is not m for m in sites)

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
        with self._adapters.use(slots.unsqueeze(0)) if adapted else nullcontext():
            super()._forward_process_and_sample(model, batch_data, *args)

    def _sample(self, scores: Tensor, output_ids: Tensor) -> None:
        # rows are the requests whose prompt is done, in order; what follows them is padding
        batch = self.inputs_and_outputs.requests_in_batch
        keys = [f.state.request_id for f in batch if f.has_new_token]
        if keys:
            output_ids[0, : len(keys)].copy_(self._owner.choose(keys, scores[0, : len(keys)]))


class _Router(OutputRouter):
    def __init__(self, owner: Owner, loop: Loop) -> None:
        super().__init__()
        self._owner, self._loop = owner, loop

    def deliver(self, output: GenerationOutput) -> None:
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
        for output in outputs:
            self.deliver(output)


class SlotManager(ContinuousBatchingManager):
    """The loop: takes requests of `owner`, runs them, and gives back what they generate.

    Blocks of the cache are never shared: the library would find equal prompts by their tokens, and
    give one adapter's keys and values to another. Batches are prepared one after the other, without
    graphs. Whatever ends the loop unasked is kept as `failure`, and told to `owner`.
    """

    def __init__(
        self, model: Any, adapters: Adapters, config: EngineConfig, *, owner: Owner
    ) -> None:
        self.failure: BaseException | None = None
        self._turned, self._stopping = threading.Event(), False
        self._attention_before = model.config._attn_implementation
        try:
            self._prepare(model, adapters, config, owner)
        except BaseException:
            model.set_attn_implementation(self._attention_before)
            raise

    def _prepare(self, model: Any, adapters: Adapters, config: EngineConfig, owner: Owner) -> None:
        self._paged = packable(model) and "flash" not in (model.config._attn_implementation or "")
        self._adapters, self._owner = adapters, owner
        super().__init__(
            model,
            GenerationConfig(do_sample=False, eos_token_id=-1),
            ContinuousBatchingConfig(
                page_size=config.page_size,
                num_blocks=config.cache_tokens // config.page_size,
                max_batch_tokens=config.max_batch_tokens,
                max_requests_per_batch=config.max_active,
                max_blocks_per_request=0,
                allow_block_sharing=False,
                use_async_batching=False,
                use_cuda_graph=False,
                auto_switch_to_flash=False,
            ),
        )
        self.input_queue = Feed(owner, self)
        self.output_router = _Router(owner, self)
        self.batch_processor = self._create_batch_processor()

    @property
    def longest(self) -> int:
        """Tokens of prompt and answer together that fit the empty cache."""
        return infer_max_single_request_tokens(self.batch_processor.cache)

    def cancel(self, key: str) -> None:
        """See `Loop.cancel`."""
        self.cancel_request(key)
        self._unblock()

    def _unblock(self) -> None:
        """Let requests that gave up their pages come back: the library does when one finishes, and
        forgets to when one leaves in another way."""
        self.batch_processor.scheduler.block_new_requests = False

    def wake(self) -> None:
        """See `Loop.wake`."""
        self._wake_up_loop.set()

    def start(self) -> None:
        """Start the loop's thread, and wait until it has turned once.

        Raises:
            EngineError: the loop ended before that, or did not turn in time.
        """
        self.background_thread_status.clear()
        self.wake()  # it is not to wait for requests in its first turn
        self._generation_thread = threading.Thread(
            target=self._serve, name="t2l-engine", daemon=True
        )
        self._generation_thread.start()
        turned = self._turned.wait(START_SECONDS)
        if turned and self.failure is None:
            return
        self.stop(block=turned, hard_stop=True)
        self.model.set_attn_implementation(self._attention_before)
        if self.failure is None:
            raise EngineError(
                f"the engine's loop must turn within {START_SECONDS:.0f} seconds of its start, got "
                "nothing: see what else keeps the device busy"
            )
        raise EngineError(
            f"the engine's loop ended at its start, got {first_line(self.failure)}: run "
            "`t2l doctor` to see which versions are installed"
        ) from self.failure

    def stop(self, *args: Any, **options: Any) -> None:
        """End the loop, as the library does; that is no failure."""
        self._stopping = True
        super().stop(*args, **options)

    def _serve(self) -> None:
        """The thread: the library's loop, and the last word on whatever ends it."""
        try:
            known = inspect.signature(self._run_generation_loop).parameters
            # since 5.24 it is told; before, a new thread was never in inference mode
            options = {"use_inference_mode": False} if "use_inference_mode" in known else {}
            self._run_generation_loop(**options)
            if not self._stopping:
                self._lost(EngineError("the loop returned without being asked to"))
        except BaseException as error:
            self._lost(error)
        finally:
            self._turned.set()

    def _generation_loop_body(self, *args: Any, **options: Any) -> bool:
        goes_on = super()._generation_loop_body(*args, **options)
        self._turned.set()
        return goes_on

    def _lost(self, error: BaseException) -> None:
        """Record what ended the loop, once, before its owner ends all requests with it."""
        if self.failure is None:
            self.failure = error
            log.error("the loop failed: %s", where(error))
            self._owner.lost(error)

    def switch_to_cb_friendly_attn(self, model: Any, auto_switch_to_flash: bool = True) -> None:
        if not self._paged:
            super().switch_to_cb_friendly_attn(model, auto_switch_to_flash)
            return
        AttentionInterface.register(ATTENTION, attend_paged)
        self._original_attn_impl = model.config._attn_implementation
        model.set_attn_implementation(ATTENTION)

    def _create_batch_processor(self) -> ContinuousBatchProcessor:
        if self.batch_processor is not None:
            return self.batch_processor
        made = super()._create_batch_processor()
        io = SlotIOs(
            slot_of=self._owner.slot_of,
            cache=made.cache,
            config=made.config,
            continuous_batching_config=made.cb_config,
            device=made.model_device,
            model_dtype=made.model_dtype,
            logit_processor=made.logit_processor,
        )
        made.inputs_and_outputs = io
        made.offloading_manager._compute_stream = io.compute_stream
        made.model_runner = SlotRunner(
            adapters=self._adapters,
            owner=self._owner,
            paged=self._paged,
            logit_processor=made.logit_processor,
            cb_config=made.cb_config,
            cache=made.cache,
            inputs_and_outputs=io,
            do_sample=False,
            return_logprobs=False,
        )
        return made

    def _generation_step(self) -> None:
        """One step; an error ends the requests in it, and no others."""
        try:
            super()._generation_step()
        except Exception as error:
            log.error("a step failed: %s", where(error))
            self.batch_processor.handle_batch_error(error)
            self.batch_processor.inputs_and_outputs.requests_in_batch = []
            self._unblock()

    def _handle_critical_error(self, error: Exception, *args: Any) -> None:
        self._lost(error)
        super()._handle_critical_error(error, *args)
