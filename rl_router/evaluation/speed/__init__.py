"""What a training step costs in time, processor time and tokens."""
