"""How good are the predictions? What is true comes first; names and values are scikit-learn's and sacrebleu's.

classification.py  accuracy, precision, recall, F1, IoU, Dice, the confusion matrix, a report
ranking.py         top-k accuracy, ROC and precision-recall curves and the areas under them
regression.py      errors, R², explained variance
text.py            perplexity, BLEU
"""

from .classification import accuracy, classification_report, confusion_matrix, dice, f1, iou, precision, recall
from .ranking import auc, average_precision, precision_recall_curve, roc_auc, roc_curve, top_k_accuracy
from .regression import (
    explained_variance,
    max_error,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    median_absolute_error,
    r2,
    root_mean_squared_error,
)
from .text import bleu, perplexity

__all__ = [
    "accuracy",
    "auc",
    "average_precision",
    "bleu",
    "classification_report",
    "confusion_matrix",
    "dice",
    "explained_variance",
    "f1",
    "iou",
    "max_error",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "median_absolute_error",
    "perplexity",
    "precision",
    "precision_recall_curve",
    "r2",
    "recall",
    "roc_auc",
    "roc_curve",
    "root_mean_squared_error",
    "top_k_accuracy",
]
