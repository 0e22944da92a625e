"""What real workers said, message by message, to be replayed; `tests.recorded.record` made it."""
