import re
import sys
from pathlib import Path

import pytest

from components.layers.wheels import Target, foreign_wheels, host_architecture, pinned_requirements

ARM_313 = Target(runtime="python3.13", architecture="arm64")
HASH = "--hash=sha256:" + "0" * 64
LOCKS = sorted((Path(__file__).resolve().parents[2] / "handlers").glob("requirements*.txt"))


def installed(folder: Path, *tags: str) -> Path:
    record = folder / "thing-1.0.dist-info" / "WHEEL"
    record.parent.mkdir()
    record.write_text("Wheel-Version: 1.0\n" + "".join(f"Tag: {tag}\n" for tag in tags))
    return folder


@pytest.mark.parametrize(
    "tag",
    [
        "py3-none-any",
        "cp313-cp313-manylinux_2_28_aarch64",
        "cp313-cp313-manylinux2014_aarch64",
        "cp311-abi3-manylinux_2_34_aarch64",
        "cp313-none-any",
    ],
)
def test_a_wheel_for_the_runtime_loads(tmp_path: Path, tag: str):
    assert foreign_wheels(installed(tmp_path, tag), ARM_313) == []


@pytest.mark.parametrize(
    "tag",
    [
        "cp313-cp313-manylinux_2_28_x86_64",
        "cp312-cp312-manylinux_2_28_aarch64",
        "cp314-abi3-manylinux_2_28_aarch64",
        "cp313-cp313-manylinux_2_39_aarch64",
        "cp313-cp313-musllinux_1_2_aarch64",
        "cp313-cp313-macosx_11_0_arm64",
        "py2-none-any",
    ],
)
def test_a_wheel_for_another_python_or_system_is_named_with_its_tag_and_what_was_wanted(
    tmp_path: Path, tag: str
):
    (problem,) = foreign_wheels(installed(tmp_path, tag), ARM_313)
    assert "thing-1.0" in problem
    assert tag in problem
    assert "python3.13 on arm64" in problem


def test_one_fitting_tag_of_several_is_enough(tmp_path: Path):
    tags = ("cp313-cp313-manylinux_2_39_aarch64", "cp313-cp313-manylinux_2_17_aarch64")
    assert foreign_wheels(installed(tmp_path, *tags), ARM_313) == []


def test_python_311_runs_on_the_older_amazon_linux():
    platforms = Target(runtime="python3.11", architecture="x86_64").platforms
    assert platforms[0] == "manylinux_2_26_x86_64"
    assert ARM_313.platforms[0] == "manylinux_2_34_aarch64"


def test_markers_mean_the_target_and_not_this_interpreter():
    lock = f"""# a comment
everywhere==1.0 \\
    {HASH} \\
    {HASH}
    # via something
Only_Lambda==2.0 ; python_full_version >= '3.13' and platform_machine == 'aarch64' \\
    {HASH}
only-old==3.0 ; python_version < '3.12' \\
    {HASH}
only-windows==4.0 ; sys_platform == 'win32' \\
    {HASH}
cpython==5.0 ; platform_python_implementation != 'PyPy' \\
    {HASH}
"""
    wanted = pinned_requirements(lock, ARM_313.marker_environment)
    assert wanted == {
        "everywhere": f"everywhere==1.0 {HASH} {HASH}",
        "only-lambda": f"Only_Lambda==2.0 {HASH}",
        "cpython": f"cpython==5.0 {HASH}",
    }


@pytest.mark.parametrize("line", ["thing==1.0", f"thing>=1.0 {HASH}", f"thing {HASH}"])
def test_a_lock_without_pins_or_hashes_is_refused(line: str):
    with pytest.raises(ValueError, match="thing needs == and --hash"):
        pinned_requirements(line, ARM_313.marker_environment)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
@pytest.mark.parametrize("runtime", ["python3.11", "python3.14"])
def test_the_committed_locks_apply_as_a_whole_to_every_runtime(lock: Path, runtime: str):
    target = Target(runtime=runtime, architecture="arm64")
    listed = re.findall(r"(?m)^([a-z0-9-]+)==", lock.read_text())
    assert sorted(pinned_requirements(lock.read_text(), target.marker_environment)) == listed


@pytest.mark.parametrize("runtime", ["nodejs22.x", "python2.7", "3.13", "python3.13 "])
def test_a_runtime_that_is_no_python_is_refused(runtime: str):
    with pytest.raises(ValueError, match=r"must be one such as python3\.13"):
        Target(runtime=runtime, architecture="arm64")


def test_an_unknown_architecture_is_refused():
    with pytest.raises(ValueError, match="riscv"):
        Target(runtime="python3.13", architecture="riscv")


def test_only_the_hosts_own_python_is_taken_from_the_host():
    runtime = f"python3.{sys.version_info[1]}"
    host = Target(runtime=runtime, architecture=host_architecture(), is_host=True)
    assert host.difference_from_host() is None
    assert host.pip_options() == []
    other = Target(runtime="python3.99", architecture="arm64", is_host=True)
    assert f"needs lambdaRuntime {runtime}" in str(other.difference_from_host())
