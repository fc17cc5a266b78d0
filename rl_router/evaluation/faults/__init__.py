"""What training suffers from models that misbehave, or that take their time."""
