"""A tokenizer, a pool and scripted turns for tests of episodes: nothing is sampled and nothing is random."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from rl_router.episode import tags
from rl_router.episode.dialect import Dialect
from rl_router.episode.dialects import Tags, Tools
from rl_router.episode.environment import Environment, Limits
from rl_router.episode.rewards import Dial
from rl_router.episode.rollout import run_episode
from rl_router.episode.task import Task
from rl_router.episode.tokens import TokenCodec
from rl_router.policy.config import UntrainedPolicy
from rl_router.policy.untrained import build_untrained
from rl_router.pool.backend import Request
from rl_router.pool.pool import ModelPool
from rl_router.pool.spec import ModelSpec
from rl_router.types import Episode, Mode, ModelReply, Query, Usage

WORDS = "compute 3 + 4 dear arithmetic2 mather nano same done it who is the author of silver river mara stone"
QUESTION = Query(query_id="q1", text="compute 3 + 4", answers=("7",), task="arithmetic")
ROOMY = Limits(max_turns=4, max_prompt_tokens=64, max_response_tokens=400, max_turn_tokens=100, max_reply_tokens=40)


def byte_tokenizer(specials: Sequence[str]) -> PreTrainedTokenizerFast:
    """Byte-level BPE, in which no text is out of vocabulary, with `specials` as one token each."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=list(specials), initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator([WORDS] * 4, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>")


@pytest.fixture(scope="session")
def make_tokenizer() -> Callable[[Sequence[str]], PreTrainedTokenizerFast]:
    return byte_tokenizer


@pytest.fixture(scope="session")
def codec() -> TokenCodec:
    weights = [tags.cost_weight_tag(w) for w in (0.0, 0.5, 2.0)]
    return TokenCodec(byte_tokenizer(["<pad>", "<eos>", *tags.TAGS, *weights, "<|im_end|>"]))


@pytest.fixture(scope="session")
def chat_tokenizers() -> dict[str, object]:
    """Of the formats of Qwen2.5 and Llama 3, trained on a few words."""
    return {
        family: build_untrained(UntrainedPolicy(family=family), [WORDS] * 4, seed=0)[1] for family in ("qwen", "llama")
    }


@pytest.fixture(scope="session")
def tags_dialect(chat_tokenizers) -> Dialect:
    return Tags(prompt="llama").over(chat_tokenizers["llama"])


@pytest.fixture(scope="session")
def tools_dialect(chat_tokenizers) -> Dialect:
    return Tools().over(chat_tokenizers["qwen"])


@dataclass
class ScriptedBackend:
    """Gives `replies` in order, the last one for ever, and raises those that are exceptions. 10 tokens in, 5 out."""

    replies: list[str | ModelReply | Exception]
    requests: list[Request] = field(default_factory=list)

    def reply(self, request: Request) -> ModelReply:
        self.requests.append(request)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, ModelReply):
            return reply
        return ModelReply(model=request.spec.name, text=reply, usage=Usage(prompt_tokens=10, completion_tokens=5))

    async def complete(self, request: Request) -> ModelReply:
        return self.reply(request)


class Words:
    """`same` is the question, `then` asks on about the last reply, `it` is the last reply."""

    def query(self, text: str, *, question: str, last_reply: str | None) -> str:
        return {"same": question, "then": f"who is {last_reply}"}.get(text, text)

    def answer(self, text: str, *, question: str, last_reply: str | None) -> str:
        return last_reply if text == "it" and last_reply is not None else text


SPECS = (
    ModelSpec(name="nano", input_usd_per_mtok=0.1, output_usd_per_mtok=0.4),
    ModelSpec(name="mather", input_usd_per_mtok=1.0, output_usd_per_mtok=4.0),
)


@pytest.fixture(scope="session")
def make_task() -> Callable[..., Task]:
    def make(*replies: str | ModelReply | Exception, mode: Mode = Mode.ORCHESTRATE) -> Task:
        return Task(
            name="scripted",
            pool=ModelPool(SPECS, ScriptedBackend(list(replies) or ["7"])),
            train=(),
            val=(),
            test=(QUESTION,),
            mode=mode,
            cost_reference_usd=100e-6,
            references=Words(),
            label=lambda query: query.task,
        )

    return make


@pytest.fixture(scope="session")
def make_environment(codec: TokenCodec) -> Callable[..., Environment]:
    def make(task: Task, **options: object) -> Environment:
        settings = {"codec": codec, "reward": Dial(), "limits": ROOMY, "query": QUESTION, "cost_weight": 0.5} | options
        return Environment(task=task, **settings)

    return make


@dataclass(frozen=True)
class Turn:
    token_ids: tuple[int, ...]
    log_probs: tuple[float, ...]


@pytest.fixture(scope="session")
def play() -> Callable[[Environment, Iterable[str]], Episode]:
    """Play an environment with the given turns, each cut to what the environment allows, as an engine would."""

    def play(environment: Environment, turns: Iterable[str]) -> Episode:
        script = iter(turns)

        async def generate(prompt_ids: list[int], max_tokens: int, stop_ids: Sequence[int]) -> Turn:
            ids = environment.codec.encode(next(script))[:max_tokens]
            return Turn(tuple(ids), tuple(-0.1 * (i + 1) for i in range(len(ids))))

        return asyncio.run(run_episode(environment, generate))

    return play
