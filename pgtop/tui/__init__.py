"""The screens. The only code that knows Textual."""
