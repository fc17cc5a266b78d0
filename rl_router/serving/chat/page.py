"""The page itself: components and which function each of them calls. Nothing of what is said is kept on the server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import gradio as gr

from rl_router.serving.chat.caption import shown, total
from rl_router.serving.chat.conversation import Conversation
from rl_router.serving.chat.talk import Talk, Wish

MODES = [
    ("The whole conversation", "full_context"),
    ("This question alone", "current_only"),
    ("Similar questions of this conversation", "retrieval"),
]
NARROW = "() => { if (innerWidth < 768) document.querySelector('.sidebar.open .toggle-button')?.click() }"
"""On a phone the sidebar would cover the page."""


def page(talk: Talk, models: list[str]) -> gr.Blocks:
    """`models` are the names to choose from until the page asks the gateway for them again."""
    with gr.Blocks(title="rl-router chat", analytics_enabled=False, fill_height=True) as blocks:
        kept = gr.State(lambda: Conversation())  # a class itself Gradio takes for a value
        with gr.Sidebar(width=300):
            model = gr.Dropdown(models, value=models[0], label="Router or model", filterable=True, elem_id="model")
            mode = gr.Radio(MODES, value="full_context", label="What is sent", elem_id="mode")
            as_calibrated = gr.Checkbox(True, label="Cost weight as the router was calibrated", elem_id="calibrated")
            weight = gr.Slider(
                0.0, 2.0, value=0.1, step=0.01, label="Cost weight", interactive=False, elem_id="weight",
                info="0: only quality counts",
            )  # fmt: skip
            fresh = gr.Button("New conversation", elem_id="fresh")
        chatbot = gr.Chatbot(
            elem_id="chat", label="Conversation", show_label=False, scale=1, min_height=300, buttons=["copy"],
            placeholder="Ask something: the gateway decides who answers.",
        )  # fmt: skip
        cost = gr.Markdown(total(Conversation()), elem_id="total")
        with gr.Row(equal_height=True):
            question = gr.Textbox(
                show_label=False, placeholder="Your question", scale=8, min_width=160, autofocus=True, lines=1,
                max_lines=6, elem_id="question",
            )  # fmt: skip
            stop = gr.Button("Stop", variant="stop", scale=1, min_width=80, visible=False, elem_id="stop")
            send = gr.Button("Send", variant="primary", scale=1, min_width=80, elem_id="send")
        outputs = [question, chatbot, kept, cost, send, stop]

        async def ask(
            text: str, conversation: Conversation, name: str, sent: Any, calibrated: bool, cost_weight: float
        ) -> AsyncIterator[tuple[Any, ...]]:
            if not text.strip():
                yield tuple(gr.skip() for _ in outputs)
                return
            wish = Wish(model=name, mode=sent, cost_weight=None if calibrated else cost_weight)
            async for turn in talk.answers(conversation, text.strip(), wish):
                grown = conversation.and_then(turn)
                yield "", shown(grown.turns), grown, total(grown), gr.update(visible=False), gr.update(visible=True)
            yield *(gr.skip() for _ in range(4)), gr.update(visible=True), gr.update(visible=False)

        def stopped(conversation: Conversation) -> tuple[Any, ...]:
            ended = conversation.stopped()
            return gr.skip(), shown(ended.turns), ended, total(ended), gr.update(visible=True), gr.update(visible=False)

        def forgotten() -> tuple[Any, ...]:
            new = Conversation()
            return "", [], new, total(new), gr.update(visible=True), gr.update(visible=False)

        async def rate(conversation: Conversation, like: gr.LikeData) -> None:
            if not isinstance(like.liked, bool):  # the same thumb again
                gr.Info("The rating stays as it was; the other thumb changes it.")
                return
            place = like.index if isinstance(like.index, int) else like.index[0]
            gr.Info(await talk.rate(conversation.turns[place // 2], up=like.liked))

        async def listed(name: str) -> Any:
            names = await talk.models()
            return gr.update(choices=names, value=name if name in names else names[0])

        asking = gr.on(
            [question.submit, send.click], ask, [question, kept, model, mode, as_calibrated, weight], outputs,
            concurrency_limit=None, show_progress="hidden",
        )  # fmt: skip
        # one after the other: what was on its way when an answer was stopped would be shown over what `stopped` shows
        stop.click(None, cancels=[asking]).then(stopped, kept, outputs, show_progress="hidden")
        over = gr.on([fresh.click, chatbot.clear], None, cancels=[asking])
        over.then(forgotten, None, outputs, show_progress="hidden")
        chatbot.like(rate, kept, None)
        as_calibrated.change(lambda own: gr.update(interactive=not own), as_calibrated, weight, show_progress="hidden")
        blocks.load(listed, model, model, show_progress="hidden")
        blocks.load(None, js=NARROW)
    return blocks
