"""Training with verl on Ray. The only package that imports either; `job` and `presets` do not."""
