"""Published numbers beside ours from the same files: what is published is data, what we get is computed."""
