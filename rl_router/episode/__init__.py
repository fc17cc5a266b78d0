"""One think/route conversation without gradients: dialect, environment, rewards, and the tasks that supply them."""
