"""A generator that a Python file of the user builds."""
