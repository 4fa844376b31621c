"""What holds for every test."""

from hypothesis import settings

# No test asserts a time: the first example of a test may import a library.
settings.register_profile("any time", deadline=None)
settings.load_profile("any time")
