"""What is remembered between runs, and the one door to the engine for window and command line."""
