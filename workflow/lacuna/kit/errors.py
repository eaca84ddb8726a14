"""What a user can put right ends a stage in one line; anything else that is raised is a bug and keeps its traceback."""


class UserError(ValueError):
    """Wrong input, settings or weights. The message says what is wrong, where, what was expected and what to do."""
