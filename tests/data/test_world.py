"""The embedded world: every question can be solved, and nothing of the test is in training."""

import subprocess
import sys
from collections import Counter

import pytest

from rl_router.data.graders import exact_match
from rl_router.data.world import MIX, SPLITS, TASKS, Solution, World, WorldReferences, fraction, split_of
from rl_router.errors import RecipeError

TWO_HOP = "who is the rival of the author of silver river"


@pytest.fixture(scope="module")
def world():
    return World(0)


@pytest.mark.parametrize("split", SPLITS)
def test_every_question_is_solved_by_the_world_with_its_own_answer(world, split):
    for query in world.questions(split, 800):
        assert world.solve(query.text) == Solution(
            task=query.task, difficulty=query.difficulty, answer=query.answers[0]
        )


def test_splits_share_no_text_no_person_and_no_book(world):
    texts = [{q.text for q in world.questions(split, 1500)} for split in SPLITS]
    for shared in (texts, list(world.people.values()), list(world.books.values())):
        assert sum(map(len, shared)) == len(set().union(*map(set, shared)))


def test_two_hops_stay_within_the_people_of_their_split(world):
    people = set(world.people["test"])
    for query in world.questions("test", 200, tasks=("two_hop",)):
        first = WorldReferences().query("first", question=query.text, last_reply=None)
        bridge = world.solve(first)
        assert bridge is not None and bridge.answer in people
        then = world.solve(WorldReferences().query("then", question=query.text, last_reply=bridge.answer))
        assert then is not None and then.task == "fact" and then.answer == query.answers[0]


def test_a_text_of_the_wrong_split_is_never_drawn(world):
    queries = world.questions("val", 300, tasks=("strings", "arithmetic", "units", "lists"))
    assert {split_of(q.text, q.task) for q in queries} == {"val"}


def test_kinds_have_exactly_their_shares(world):
    counts = Counter((q.task, q.difficulty) for q in world.questions("train", 100))
    assert counts == {kind: round(share * 100) for kind, share in MIX.items()}


def test_the_share_of_two_hops_can_be_set_and_tasks_can_be_left_out(world):
    queries = world.questions("train", 200, tasks=("fact", "two_hop"), two_hop_share=0.25)
    assert Counter(q.task for q in queries) == {"fact": 150, "two_hop": 50}


def test_questions_of_one_draw_have_texts_of_their_own(world):
    queries = world.questions("test", 600)
    assert len({q.text for q in queries}) == 600
    assert len({q.query_id for q in queries}) == 600


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("repeat the word apple", ("strings", 1, "apple")),
        ("compute 3 + 4", ("arithmetic", 1, "7")),
        ("what is 20 - 5 + 2", ("arithmetic", 2, "17")),
        ("calculate 1 - 2 - 3 + 4 + 5", ("arithmetic", 3, "5")),
        ("what is 3 - 18", ("arithmetic", 1, "-15")),
        ("convert 3 hours to minutes", ("units", 1, "180")),
        ("how many cm are in 7 m", ("units", 1, "700")),
        ("reverse the list c k b", ("lists", 1, "b k c")),
        ("sort the list z c k b d", ("lists", 2, "b c d k z")),
        ("sort the list g f e d c b z", ("lists", 3, "b c d e f g z")),
    ],
)
def test_hand_worked_answers(world, text, expected):
    assert world.solve(text) == Solution(task=expected[0], difficulty=expected[1], answer=expected[2])


@pytest.mark.parametrize(
    "text",
    ["", "hello", "compute 3", "compute 3 + ", "convert 3 apples to pears", "who is the rival of nobody here",
     "not sure", "sort the list ", "Compute 3 + 4", "compute " + "9" * 50 + " + 1", "x" * 1_000_000],
)  # fmt: skip
def test_what_is_no_well_formed_question_has_no_solution(world, text):
    assert world.solve(text) is None


def test_a_wrong_answer_is_never_graded_as_right(world):
    for query in world.questions("test", 600):
        solution = world.solve(query.text)
        for chance in (0.0, 0.37, 0.999):
            assert exact_match(world.wrong_answer(solution, chance), query.answers) == 0.0


def test_references_are_resolved_from_text_alone():
    references = WorldReferences()
    ask = {"question": TWO_HOP, "last_reply": "mara stone"}
    assert references.query("same", **ask) == TWO_HOP
    assert references.query("first", **ask) == "who is the author of silver river"
    assert references.query("then", **ask) == "who is the rival of mara stone"
    assert references.query("compute 1 + 1", **ask) == "compute 1 + 1"
    assert references.answer("it", **ask) == "mara stone"
    assert references.answer("last", question="say the word apple", last_reply=None) == "apple"
    assert references.answer("42", **ask) == "42"


def test_of_a_reply_the_first_line_without_tags_is_meant():
    references, reply = WorldReferences(), "<answer>mara stone</answer> \n and more"
    assert references.answer("it", question=TWO_HOP, last_reply=reply) == "mara stone"
    assert references.query("then", question=TWO_HOP, last_reply=reply) == "who is the rival of mara stone"


def test_the_first_hop_of_a_place_asks_for_a_person():
    question = "what is the birthplace of the editor of quiet wolf"
    ask = {"question": question, "last_reply": "lena fox"}
    assert WorldReferences().query("first", **ask) == "who is the editor of quiet wolf"
    assert WorldReferences().query("then", **ask) == "what is the birthplace of lena fox"


def test_a_reference_that_does_not_resolve_stands_for_itself():
    references = WorldReferences()
    assert references.query("first", question="compute 1 + 1", last_reply=None) == "first"
    assert references.query("then", question=TWO_HOP, last_reply=None) == "then"
    assert references.answer("it", question=TWO_HOP, last_reply=None) == "it"


def test_an_unknown_task_is_refused_by_name(world):
    with pytest.raises(RecipeError, match="no task 'poetry'"):
        world.questions("train", 10, tasks=("poetry",))
    with pytest.raises(RecipeError, match="two_hop_share is 1.5"):
        world.questions("train", 10, two_hop_share=1.5)
    with pytest.raises(RecipeError, match="two_hop is not among the tasks"):
        world.questions("train", 10, tasks=("fact",), two_hop_share=0.5)
    with pytest.raises(RecipeError, match="no question is left"):
        world.questions("train", 10, tasks=("two_hop",), two_hop_share=0.0)


def test_tasks_of_the_mix_are_the_tasks():
    assert {task for task, _ in MIX} == set(TASKS)
    assert sum(MIX.values()) == pytest.approx(1.0)


def test_another_process_with_another_hash_seed_draws_the_same_world():
    program = (
        "from rl_router.data.world import World, fraction\n"
        "print(fraction('a', 1), [(q.text, q.answers) for q in World(3).questions('test', 40)])"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1
    assert runs.pop().startswith(str(fraction("a", 1)))
