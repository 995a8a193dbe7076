"""What follows from a snapshot: pure functions of the model. Words for figures are the view's
business.
"""
