"""Training with verl on Ray. The only package that imports either; its configuration modules (`job`, `presets`) do not."""
