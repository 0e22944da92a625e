"""A week of the shop, made up and stored through the same pipeline as live events."""
