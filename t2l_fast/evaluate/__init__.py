"""Exact match of generated adapters beside their rivals."""

from t2l_fast.evaluate.conditions import Condition, Question, conditions, questions, shuffled
from t2l_fast.evaluate.measure import evaluate

__all__ = ["Condition", "Question", "conditions", "evaluate", "questions", "shuffled"]
