"""Conclusions from a snapshot: pure functions of the model. The words for them are in view/."""
