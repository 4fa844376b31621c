"""The window: shows what the services know and asks them for what the user wants. Nothing below imports Qt."""
