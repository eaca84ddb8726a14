"""What a user can put right ends a stage in one line; anything else that is raised is a bug and keeps its traceback."""


class UserError(ValueError):
    """Wrong input, settings or weights. The message says what is wrong, where, what was expected and what to do."""


def diverged(network: str, what: str, value: float | str, step: int, advice: str = "lower learning_rate") -> UserError:
    """The error of a training whose loss, or weight, is NaN or infinite."""
    return UserError(
        f"training of {network} diverged: {what} is {value} at step {step}, expected a finite number; the last state "
        f"is kept, {advice}"
    )
