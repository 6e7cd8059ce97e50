import sys

import pytest

from components.layers import Target, host_architecture


@pytest.mark.parametrize(
    ("runtime", "architecture", "platform"),
    [
        ("python3.11", "arm64", "aarch64-manylinux_2_17"),
        ("python3.11", "x86_64", "x86_64-manylinux_2_17"),
        ("python3.12", "arm64", "aarch64-manylinux_2_34"),
        ("python3.14", "x86_64", "x86_64-manylinux_2_34"),
    ],
)
def test_python_311_runs_on_the_older_amazon_linux(runtime: str, architecture: str, platform: str):
    target = Target(runtime=runtime, architecture=architecture)
    version = runtime.removeprefix("python")
    assert target.uv_options() == ["--python-version", version, "--python-platform", platform]


@pytest.mark.parametrize("runtime", ["nodejs22.x", "python2.7", "3.13", "python3.13 "])
def test_a_runtime_other_than_python_3_is_refused(runtime: str):
    with pytest.raises(ValueError, match=r"must be one such as python3\.13"):
        Target(runtime=runtime, architecture="arm64")


def test_an_unknown_architecture_is_refused():
    with pytest.raises(ValueError, match="riscv"):
        Target(runtime="python3.13", architecture="riscv")


def test_only_the_hosts_own_python_is_taken_from_the_host():
    runtime = f"python3.{sys.version_info[1]}"
    host = Target(runtime=runtime, architecture=host_architecture(), is_host=True)
    assert host.difference_from_host() is None
    assert host.uv_options() == []
    other = Target(runtime="python3.99", architecture="arm64", is_host=True)
    assert f"needs lambdaRuntime {runtime}" in str(other.difference_from_host())
