"""What LISTEN= may be."""

import pytest

from local.pages.listen_address import ListenAddressError, listen_address, own_address


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("", "no IP address"),
        ("yes", "no IP address"),
        ("localhost", "no IP address"),
        ("192.168.1.20:8080", "no IP address"),
        ("192.168.1.0/24", "no IP address"),
        ("0.0.0.0", "more than one address"),  # noqa: S104 - refused
        ("::", "more than one address"),
        ("224.0.0.1", "more than one address"),
        ("192.0.2.1", "does not have it"),
    ],
)
def test_an_address_that_cannot_be_listened_on_is_refused_with_the_rule_and_a_way_out(
    value: str, problem: str
) -> None:
    with pytest.raises(ListenAddressError) as refused:
        listen_address(value)
    message = str(refused.value)
    assert message.startswith(f"LISTEN is {value!r}, but ")
    assert problem in message
    assert "must be an IP address that this machine has" in message
    assert message.endswith((f"try LISTEN={own_address()}", "to that network first"))


def test_an_address_of_this_machine_is_accepted() -> None:
    assert listen_address("127.0.0.1") == "127.0.0.1"


def test_the_address_that_a_refusal_suggests_is_accepted() -> None:
    own = own_address()
    if own is None:
        pytest.skip("this machine is in no network")
    assert listen_address(own) == own
