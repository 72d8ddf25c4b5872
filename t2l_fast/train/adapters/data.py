"""JobData: the tokenised rows that a job trains on and is measured on."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from t2l_fast.errors import ConfigError, T2LError, TaskError
from t2l_fast.train.adapters.job import Job, Source
from t2l_fast.train.adapters.rows import pieces_of, renamed
from t2l_fast.train.adapters.sources import read_source
from t2l_fast.train.adapters.tokens import Rows, encode


@dataclass(frozen=True, slots=True)
class JobData:
    """What a job trains on and is measured on.

    Fields:
        train: rows, at least one.
        held_out: rows that are never trained on; perhaps none.
        dropped: rows that had nothing to learn within `max_length` tokens.
    """

    train: Rows
    held_out: Rows
    dropped: int

    def digest(self) -> str:
        """Return a digest of all tokens, which a resumed job must agree with."""
        return f"{self.train.digest()}/{self.held_out.digest()}"


def read_data(job: Job, tokenizer: Any) -> JobData:
    """Read, check and tokenise everything that a job needs.

    Raises:
        ConfigError: the data can't be read, has another form or too few rows; the message names the
            job and the key.
    """
    rows = _read(job, "data", job.data)
    if job.share is None:
        held_out: Sequence[Mapping[str, Any]] = _read(job, "held_out", job.held_out)  # type: ignore
    else:
        rows, held_out = _parted(job, rows)
    train, lost = _encoded(job, "data", rows, tokenizer)
    measured, missed = _encoded(job, "held_out", held_out, tokenizer)
    for key, left, source in (("data", train, rows), ("held_out", measured, held_out)):
        if not len(left) and (key == "data" or job.measures):
            raise ConfigError(
                f"job {job.name!r}: {key} must leave at least one row to go by, got {len(source)}, "
                f"none with tokens to learn among its first {job.max_length}: give more rows, or "
                "raise max_length"
            )
    return JobData(train, measured, lost + missed)


def _read(job: Job, key: str, source: Source) -> Sequence[Mapping[str, Any]]:
    try:
        return [renamed(row, job.columns) for row in read_source(source)]
    except T2LError as error:
        raise ConfigError(f"job {job.name!r}: {key}: {error}") from error


def _parted(
    job: Job, rows: Sequence[Mapping[str, Any]]
) -> tuple[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]]:
    """Draw the share that is held out, with the seed; the others keep their order."""
    if not job.share:
        return rows, []
    count = max(1, round(job.share * len(rows)))
    drawn = random.Random(f"{job.seed}/held out").sample(range(len(rows)), min(count, len(rows)))
    chosen = set(drawn)
    return (
        [row for i, row in enumerate(rows) if i not in chosen],
        [row for i, row in enumerate(rows) if i in chosen],
    )


def _encoded(
    job: Job, key: str, rows: Sequence[Mapping[str, Any]], tokenizer: Any
) -> tuple[Rows, int]:
    """Tokenise rows; also how many were left out, with nothing to learn."""
    pieces = []
    for number, row in enumerate(rows, 1):
        try:
            pieces.append(pieces_of(row, tokenizer, job.learn))
        except (TaskError, ConfigError) as error:
            raise ConfigError(f"job {job.name!r}: {key}, row {number}: {error}") from error
    encoded, dropped = Rows(), 0
    for ids, learned in encode(pieces, tokenizer):
        ids, learned = ids[: job.max_length], learned[: job.max_length]
        if any(learned[1:]):
            encoded.add(ids, learned)
        else:
            dropped += 1
    return encoded, dropped
