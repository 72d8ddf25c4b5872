"""Text encoders: descriptions in, task embeddings out."""

from t2l_fast.encoders.adapter import EncoderAdapter
from t2l_fast.encoders.base import TextEncoder, prepare, scaled
from t2l_fast.encoders.cache import CachedEncoder, cached, embedding_file
from t2l_fast.encoders.causal import CausalEncoder
from t2l_fast.encoders.load import load_encoder
from t2l_fast.encoders.name import EncoderName
from t2l_fast.encoders.onehot import OneHotEncoder
from t2l_fast.encoders.sentence import SentenceEncoder
from t2l_fast.encoders.trained import TrainedEncoder

__all__ = [
    "CachedEncoder",
    "CausalEncoder",
    "EncoderAdapter",
    "EncoderName",
    "OneHotEncoder",
    "SentenceEncoder",
    "TextEncoder",
    "TrainedEncoder",
    "cached",
    "embedding_file",
    "load_encoder",
    "prepare",
    "scaled",
]
