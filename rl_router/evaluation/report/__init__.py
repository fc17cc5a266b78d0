"""One evaluation for people and programs: a table on the terminal, Markdown, CSV, JSON and one HTML page."""
