"""``python -m example_project.demo``: the shop at work, with everything it needs."""
