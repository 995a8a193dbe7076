"""Dialogs ask one question and return the answer. They do nothing themselves."""
