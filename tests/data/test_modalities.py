"""What a question holds beside text: found in content parts and in benchmarks, and told to routers by a word."""

import pytest

from rl_router.data.modalities import marked, modalities_in, modalities_of, takes
from rl_router.types import Query


def query(**meta):
    return Query(query_id="q", text="what is the angle", answers=(), task="", meta=meta)


PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}


@pytest.mark.parametrize(
    ("message", "found"),
    [
        ({"role": "user", "content": "text alone"}, ()),
        ({"role": "user", "content": [{"type": "text", "text": "what is it"}, PICTURE]}, ("images",)),
        ({"role": "user", "content": [{"type": "input_audio", "input_audio": {}}, PICTURE]}, ("images", "audio")),
        ({"type": "input_image", "image_url": "data:,"}, ("images",)),
        ({"role": "user", "content": [{"type": "input_file", "file_id": "f"}, "odd", {"type": 3}]}, ("files",)),
        ("odd", ()),
    ],
)
def test_the_parts_of_a_message_say_what_it_holds(message, found):
    assert modalities_in([message]) == found


def test_a_question_of_a_benchmark_holds_its_images_and_one_of_a_gateway_what_is_named():
    assert modalities_of(query()) == ()
    assert modalities_of(query(images=["data:image/png;base64,AA=="])) == ("images",)
    assert modalities_of(query(modalities=["audio", "images"])) == ("images", "audio")


def test_the_word_is_said_once_and_text_alone_stays_as_it_is():
    plain, seen = query(), marked(query(images=["x"]))
    assert marked(plain) is plain
    assert seen.text == "what is the angle modality_images" and marked(seen) is seen


def test_a_model_takes_what_its_capabilities_name():
    assert takes(("general",), ()) and takes(("general", "images"), ("images",))
    assert not takes(("general", "images"), ("images", "audio"))
