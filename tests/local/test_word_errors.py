import pytest

from local.sample_speech import word_error_rate, word_errors, words_of


@pytest.mark.parametrize(
    ("heard", "errors"),
    [
        ("the meeting is over", 0),
        ("The meeting is, over!", 0),
        ("the meeting was over", 1),
        ("the meeting over", 1),
        ("the the meeting is over", 1),
        ("meeting is over now", 2),
        ("over is meeting the", 4),
        ("", 4),
    ],
)
def test_lost_added_and_replaced_words_are_counted(heard: str, errors: int) -> None:
    assert word_errors("The meeting is over.", heard) == errors


def test_the_rate_is_of_the_words_that_were_said() -> None:
    assert word_error_rate("one two three four", "one two tree four five") == 0.5


def test_what_was_added_counts_even_where_all_was_heard() -> None:
    assert word_error_rate("one", "one two three") == 2


def test_words_are_without_capitals_and_punctuation() -> None:
    assert words_of("It’s 5 o'clock - ¿qué?") == ["it's", "5", "o'clock", "qué"]
