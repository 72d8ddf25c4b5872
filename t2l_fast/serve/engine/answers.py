"""Answers: what the engine gives for a request, as asyncio sees it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from t2l_fast.adapters.bank.mixture import AdapterKey
from t2l_fast.errors import EngineError
from t2l_fast.serve.engine.engine import Engine
from t2l_fast.serve.engine.request import Chunk, Completion, Sink, join
from t2l_fast.serve.engine.sampling import SamplingParams


class Answers:
    """One request's choices, submitted together.

    Args:
        prompts: of each choice.
        params: of each choice.

    Raises:
        As `Engine.submit`.
    """

    def __init__(
        self,
        engine: Engine,
        prompts: Sequence[Sequence[int]],
        params: Sequence[SamplingParams],
        *,
        adapter: AdapterKey | None,
        tenant: str,
    ) -> None:
        self._chunks: asyncio.Queue[tuple[int, Chunk]] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def sink(index: int) -> Sink:
            def put(chunk: Chunk) -> None:
                loop.call_soon_threadsafe(self._chunks.put_nowait, (index, chunk))

            return put

        self._tickets = engine.submit_all(
            prompts,
            params,
            adapter=adapter,
            tenant=tenant,
            sinks=[sink(i) for i in range(len(params))],
        )

    async def __aiter__(self) -> AsyncIterator[tuple[int, Chunk]]:
        """(choice, chunk) as they come.

        Raises:
            EngineError: the engine failed or is being closed; or what made the adapter unavailable.
        """
        left = len(self._tickets)
        while left:
            index, chunk = await self._chunks.get()
            if chunk.error is not None:
                raise chunk.error
            if chunk.finish == "cancelled":
                raise EngineError("the server is closing, and ended this answer")
            yield index, chunk
            left -= chunk.finish is not None

    async def whole(self, pieces: AsyncIterator[tuple[int, Chunk]]) -> list[Completion]:
        """Wait for all answers and return each as a whole."""
        chunks_of: list[list[Chunk]] = [[] for _ in self._tickets]
        async for index, chunk in pieces:
            chunks_of[index].append(chunk)
        return [join(chunks) for chunks in chunks_of]

    def cancel(self) -> None:
        """End what still runs."""
        for ticket in self._tickets:
            ticket.cancel()
