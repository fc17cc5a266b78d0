"""What a run leaves behind for people to read: metrics, episodes, progress on the terminal and one HTML report."""
