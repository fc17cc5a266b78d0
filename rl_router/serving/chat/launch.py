"""From a gateway's address to a page that is open: what is checked before, and what the page may load."""

from __future__ import annotations

import signal
from queue import SimpleQueue

import gradio as gr
import openai

from rl_router.encoders.registry import make_encoder
from rl_router.errors import RunError
from rl_router.observe.console import say
from rl_router.serving.chat.page import page
from rl_router.serving.chat.talk import FAILURES, Talk, said

LOOPBACK = ("127.0.0.1", "localhost", "::1")
KEY = "RL_ROUTER_API_KEY"
"""The environment variable that has the gateway's key, where it wants one. No option takes it: others see those."""
NO_KEY = "none"
"""The client wants some key even where the gateway wants none."""
FONTS = {"font": ["system-ui", "sans-serif"], "font_mono": ["ui-monospace", "monospace"]}
ONLY_OURS = (
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'self' 'unsafe-inline' 'unsafe-eval'"
    " data: blob:; connect-src 'self'\">"
)
"""The page loads nothing from elsewhere: an answer that holds an image must not tell its address who reads it."""
CSS = "footer {display: none !important} #total {opacity: 0.75} #chat small {opacity: 0.75}"


def chat(
    url: str, *, api_key: str | None, host: str, port: int, share: bool, encoder: str, similar: int
) -> None:  # fmt: skip
    """Until a signal ends it. RunError when the gateway does not answer or the port is taken."""
    address = url.rstrip("/")
    address = address if address.endswith("/v1") else f"{address}/v1"
    key = api_key or NO_KEY
    try:
        with openai.OpenAI(base_url=address, api_key=key, max_retries=0, timeout=10) as client:
            models = [model.id for model in client.models.list()]
    except openai.AuthenticationError:
        raise RunError(f"the gateway at {address} wants a key: set {KEY} to one") from None
    except FAILURES as error:
        raise RunError(f"no gateway answers at {address}: {said(error)}") from None
    if not models:
        raise RunError(f"the gateway at {address} offers no model: it needs a pool or a router")
    talk = Talk(openai.AsyncOpenAI(base_url=address, api_key=key), make_encoder(encoder), similar=similar)
    blocks = page(talk, models)
    if share or host not in LOOPBACK:
        say("whoever can open the page can ask and spend with it: anybody with its address" if share else
            f"whoever reaches {host}:{port} can ask and spend with it")  # fmt: skip
    try:
        _, local, public = blocks.launch(
            server_name=host, server_port=port, share=share, quiet=True, prevent_thread_lock=True, footer_links=[],
            theme=gr.themes.Default(**FONTS), css=CSS, head=ONLY_OURS, max_file_size="1kb", ssr_mode=False,
        )  # fmt: skip
    except OSError:
        raise RunError(f"{host}:{port} cannot be served at: name another --port or --host") from None
    say(f"chat at {public or local}, over {address}")
    wait_for_signal()
    blocks.close(verbose=False)


def wait_for_signal() -> None:
    """Returns at the first SIGINT or SIGTERM. Further ones are no error; another SIGINT interrupts what comes after."""
    ended: SimpleQueue[int] = SimpleQueue()  # unlike an Event it may be told from within a signal
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: ended.put(number))
    ended.get()
    signal.signal(signal.SIGINT, signal.default_int_handler)
