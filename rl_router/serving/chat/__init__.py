"""A page to talk to a gateway in a browser. All but `page` and `launch` is plain functions without Gradio."""
