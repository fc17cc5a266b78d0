import asyncio
import multiprocessing
from dataclasses import replace

import pytest

from rl_router.errors import NotRecordedError, PoolError
from rl_router.pool.backend import Request, Sampling
from rl_router.pool.ledger import Ledger
from rl_router.pool.pool import ModelPool
from rl_router.pool.recorded import RecordedBackend
from rl_router.pool.recordings import Recordings, reply_from_json, reply_to_json
from rl_router.pool.spec import ModelSpec
from rl_router.types import Attempt, CallStatus, ModelReply, Query, Usage

SPEC = ModelSpec(name="m", endpoint="http://x/v1", input_usd_per_mtok=1.0, output_usd_per_mtok=2.0)
QUERY = Query(query_id="q", text="hello", answers=(), task="t")
REQUEST = Request(spec=SPEC, prompt="hello", query=QUERY, max_tokens=9)
USED = Usage(prompt_tokens=1000, cached_tokens=10, completion_tokens=500, reasoning_tokens=5)
REPLY = ModelReply(
    model="m", text="naïve \ud800 text", usage=USED, latency_s=0.1, finish_reason="stop",
    earlier=(Attempt(status=CallStatus.FAILED, usage=None, reason="broke"), Attempt(status=CallStatus.RATE_LIMITED)),
)  # fmt: skip
FAILED = replace(REPLY, status=CallStatus.FAILED, text="broke")


class Live:
    def __init__(self, *replies: ModelReply) -> None:
        self.replies, self.asked = list(replies), 0

    async def complete(self, request: Request) -> ModelReply:
        self.asked += 1
        await asyncio.sleep(0)
        return self.replies.pop(0)


@pytest.fixture
def recordings(tmp_path):
    opened = Recordings(tmp_path / "calls.sqlite", run="r1")
    yield opened
    opened.close()


def ask(recordings, live, request=REQUEST, times=1):
    async def run():
        backend = RecordedBackend(recordings, live)
        return await asyncio.gather(*(backend.complete(request) for _ in range(times)))

    return asyncio.run(run())


def test_a_reply_goes_to_json_and_comes_back_the_same():
    assert reply_from_json(reply_to_json(REPLY)) == REPLY


def test_a_hit_charges_the_episode_and_not_the_wallet(recordings):
    live = Live(REPLY)
    ask(recordings, live)
    ledger, pool = Ledger(), ModelPool([SPEC], RecordedBackend(recordings, live), None)
    call = asyncio.run(pool.send(REQUEST, ledger=ledger))
    assert (live.asked, call.reply.from_cache) == (1, True)
    assert call.cost_usd == ledger.cost_usd == pytest.approx(0.002)  # 1000 · 1 + 500 · 2 USD per million
    assert ledger.wallet_usd == 0.0


def test_a_hit_costs_what_was_recorded_whatever_the_price_is_now(recordings):
    ask(recordings, Live(REPLY))
    dearer = replace(REQUEST, spec=replace(SPEC, input_usd_per_mtok=100.0))
    assert ask(recordings, Live(), dearer)[0].cost_usd == pytest.approx(0.002)


@pytest.mark.parametrize(
    "change",
    [
        {"spec": replace(SPEC, api_model="other")},
        {"spec": replace(SPEC, endpoint="http://y/v1")},
        {"prompt": "other"},
        {"messages": ({"role": "system", "content": "be brief"},)},
        {"max_tokens": 10},
        {"sampling": Sampling(temperature=0.5)},
        {"sampling": Sampling(seed=1)},
        {"tools": ({"type": "function"},)},
        {"epoch": 1},
    ],
)
def test_model_endpoint_messages_sampling_tools_and_epoch_are_the_key(recordings, change):
    live = Live(REPLY, REPLY)
    ask(recordings, live)
    ask(recordings, live, replace(REQUEST, **change))
    assert live.asked == 2


def test_the_same_question_at_the_same_time_is_one_call(recordings):
    live = Live(REPLY)
    replies = ask(recordings, live, times=5)
    assert live.asked == 1
    assert [reply.from_cache for reply in replies] == [False, True, True, True, True]


def test_a_failure_is_asked_again_in_record_and_is_itself_in_replay(recordings):
    ask(recordings, Live(FAILED))
    assert ask(recordings, None)[0] == replace(FAILED, from_cache=True, cost_usd=pytest.approx(0.002))
    assert ask(recordings, Live(REPLY))[0].status is CallStatus.OK
    assert ask(recordings, None)[0].status is CallStatus.OK


def test_what_nobody_recorded_is_an_error_in_replay(recordings):
    with pytest.raises(NotRecordedError, match="'m' to 'q'"):
        ask(recordings, None)


def test_a_reply_that_is_not_in_the_file_yet_is_found_and_not_asked_for_again(recordings):
    async def run():
        live = Live(REPLY)
        backend = RecordedBackend(recordings, live, waits=False)
        await backend.complete(REQUEST)
        assert recordings._file.rows("SELECT * FROM replies") == []
        return live, await backend.complete(REQUEST)

    live, again = asyncio.run(run())
    assert (live.asked, again.from_cache, again.text) == (1, True, REPLY.text)


def test_what_another_process_records_is_found_by_one_that_has_looked_before(recordings, monkeypatch):
    monkeypatch.setattr("rl_router.pool.recordings.LOOK_EVERY_S", 0.0)
    assert recordings.get(REQUEST.key) is None
    other = Recordings(recordings.path, run="r2")
    ask(other, Live(REPLY))
    other.close()
    assert recordings.get(REQUEST.key).text == REPLY.text


def test_charges_are_booked_on_their_run_and_the_unknown_are_counted(recordings):
    async def charge():
        recordings.charge(REQUEST, REPLY)
        recordings.charge(REQUEST, replace(REPLY, usage=Usage(), usage_known=False))
        await recordings.written()

    asyncio.run(charge())
    spent = recordings.spent()
    assert (spent.cost_usd, spent.attempts, spent.unknown) == (pytest.approx(0.002), 2, 1)
    other = Recordings(recordings.path, run="r2")
    assert other.spent().attempts == 0
    other.close()


def send_and_lose(path, sent, requests):
    """A process that sends and does not live to see an answer."""
    recordings = Recordings(path, "r1", sent)
    for request in requests:
        recordings.sent(request)
    recordings.close()


def test_what_was_on_its_way_when_a_process_ended_is_charged_once_as_unknown(tmp_path):
    path, sent = tmp_path / "calls.sqlite", tmp_path / "sent.log"
    other = replace(REQUEST, prompt="other")
    send_and_lose(path, sent, [REQUEST, other])
    for _ in range(2):  # and is not charged again by the next process
        recordings = Recordings(path, "r1", sent)
        assert recordings.lost == {REQUEST.key: 1, other.key: 1}
        spent = recordings.spent()
        assert (spent.cost_usd, spent.attempts, spent.unknown, spent.interrupted) == (0.0, 2, 2, 2)
        recordings.close()


def test_a_lost_attempt_is_an_earlier_attempt_of_the_reply_that_comes_at_last(tmp_path):
    path, sent = tmp_path / "calls.sqlite", tmp_path / "sent.log"
    send_and_lose(path, sent, [REQUEST])
    recordings = Recordings(path, "r1", sent)
    [reply] = ask(recordings, Live(replace(REPLY, earlier=())))
    assert reply.earlier == (Attempt(status=CallStatus.INTERRUPTED, usage=None, reason=reply.earlier[0].reason),)
    assert ask(recordings, None)[0].earlier == reply.earlier  # a replay tells the same
    recordings.close()
    again = Recordings(path, "r1", sent)
    assert again.lost == {}
    again.close()


def test_what_ended_is_not_lost(tmp_path):
    path, sent = tmp_path / "calls.sqlite", tmp_path / "sent.log"

    async def call(recordings):
        recordings.sent(REQUEST)
        recordings.charge(REQUEST, FAILED)
        await recordings.written()

    recordings = Recordings(path, "r1", sent)
    asyncio.run(call(recordings))
    recordings.close()
    again = Recordings(path, "r1", sent)
    assert again.lost == {} and again.spent().interrupted == 0
    again.close()


def record_many(path, start):
    recordings = Recordings(path, run=str(start))
    for number in range(start, start + 40):
        request = replace(REQUEST, prompt=f"question {number}")
        ask(recordings, Live(REPLY), request)
    recordings.close()


@pytest.mark.timeout(60)
def test_two_processes_write_one_file(tmp_path):
    path = tmp_path / "calls.sqlite"
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=record_many, args=(path, start)) for start in (0, 20)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(50)
    assert [process.exitcode for process in processes] == [0, 0]
    recordings = Recordings(path)
    for number in range(60):
        assert recordings.get(replace(REQUEST, prompt=f"question {number}").key) is not None
    recordings.close()


def test_a_file_that_is_no_database_is_one_sentence(tmp_path):
    path = tmp_path / "calls.sqlite"
    path.write_bytes(b"not a database, by any means" * 100)
    with pytest.raises(PoolError, match="cannot be opened as an SQLite file"):
        Recordings(path)
