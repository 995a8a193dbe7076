"""Files of /proc and of control groups, whole, cut and hostile."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgtop.model.host import Container, Disk, Pressure
from pgtop.sources.host.cgroups import (
    GroupFolders,
    group_in,
    parse_groups,
    parse_mounts,
)
from pgtop.sources.host.machine import MachineReader, data_folder_in, parse_load
from pgtop.sources.host.pressure import parse_pressure
from pgtop.sources.host.proc import (
    MemoryUse,
    Proc,
    ProcessGoneError,
    Stat,
    StorageUse,
    parse_memory,
    parse_stat,
    parse_storage,
)
from tests.sources.host_machine import POSTMASTER, FakeProc, write_files

STAT = "4711 ({}) S 12 1 1 0 -1 4194560 1 2 3 4 50 7 8 9 20 0 1 0 99887 1 2 3\n"
ROLLUP = b"""\
558d0a4f2000-7ffd1d5fe000 ---p 00000000 00:00 0                          [rollup]
Rss:               18364 kB
Pss:                7871 kB
Pss_Anon:           6000 kB
Private_Clean:       100 kB
Private_Dirty:      6400 kB
"""
IO = b"rchar: 10\nwchar: 20\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 1\n"
names = st.text(max_size=15) | st.sampled_from(["a) (b", ") S 1 1 1", "((", "x)\n(y"])
MOUNTS = """\
24 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
31 24 0:27 {v2} /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw
32 24 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
33 24 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
"""
FILES_V2 = {
    "memory.max": "1000000\n",
    "memory.current": "950000\n",
    "memory.stat": "anon 700000\nfile 200000\nactive_file 90000\ninactive_file 100000\n",
    "cpu.max": "150000 100000\n",
    "cpu.stat": "usage_usec 5\nnr_periods 40\nnr_throttled 10\nthrottled_usec 3\n",
    "memory.pressure": "some avg10=1.00 avg60=12.50 avg300=0.10 total=5\n",
}


@given(names)
def test_the_name_of_a_process_may_be_anything(name: str) -> None:
    stat = parse_stat(STAT.format(name).encode())
    assert stat[1:] == (12, 57, 99887)
    assert stat.name == name


@given(st.integers(0, len(STAT) - 14))
def test_a_cut_state_is_of_a_process_that_is_gone(length: int) -> None:
    """Only a cut behind the start leaves a state."""
    content = STAT.format("postgres").encode()
    with pytest.raises(ProcessGoneError):
        parse_stat(content[: min(length, content.index(b"99887"))])


@given(st.binary(max_size=200))
def test_no_content_of_a_file_is_an_unknown_error(content: bytes) -> None:
    for parse in (parse_stat, parse_memory, parse_storage):
        try:
            assert isinstance(parse(content), Stat | MemoryUse | StorageUse)
        except ProcessGoneError:
            continue
    parse_groups(content)
    parse_mounts(content)
    parse_load(content)
    parse_pressure(content)


def test_memory_and_storage_are_read() -> None:
    assert parse_memory(ROLLUP) == (7871 << 10, 6500 << 10)
    assert parse_storage(IO) == (4096, 8192)


@given(st.integers(0, len(IO) - 1))
def test_a_cut_count_is_never_a_smaller_one(length: int) -> None:
    """A number without the end of its line may lack digits."""
    try:
        assert parse_storage(IO[:length]) == (4096, 8192)
    except ProcessGoneError:
        assert length < IO.index(b"cancelled")


def test_load_and_pressure_are_read() -> None:
    assert parse_load(b"0.52 0.58 0.59 1/612 12345\n") == 0.52
    assert parse_load(b"nan 1 1\n") is None
    assert parse_pressure(b"some avg10=0.00 avg60=3.25 avg300=0 total=1\n") == 3.25
    assert parse_pressure(b"full avg10=0.00 avg60=3.25\n") is None
    assert parse_pressure(b"some avg60=1e5\n") is None


def container(tmp_path: Path, groups: str, v2_root: str = "/") -> Container | None:
    """Return the container of a postmaster with these groups."""
    proc = FakeProc(tmp_path, 0)
    proc.write("self", {"mountinfo": MOUNTS.format(v2=v2_root)})
    proc.write(POSTMASTER, {"cgroup": groups})
    group = group_in(GroupFolders(proc).of(POSTMASTER))
    return None if group is None else group.container


def test_the_limits_of_a_group_in_version_2(tmp_path: Path) -> None:
    folder = tmp_path / "sys/fs/cgroup/system.slice/postgresql.service"
    write_files(folder, FILES_V2)
    limits = Container(
        memory_limit_bytes=1_000_000,
        memory_bytes=760_000,
        cpu_limit=1.5,
        pressure=Pressure(memory=12.5),
    )
    assert container(tmp_path, "0::/system.slice/postgresql.service\n") == limits
    assert limits.memory_percent == 76


def test_the_mounts_are_read_again_for_another_group(tmp_path: Path) -> None:
    proc = FakeProc(tmp_path, 0)
    proc.write("self", {"mountinfo": MOUNTS.format(v2="/")})
    proc.write(POSTMASTER, {"cgroup": "0::/pg\n"})
    folders = GroupFolders(proc)
    first = folders.of(POSTMASTER)
    assert first[""][0].endswith("/pg")
    assert folders.of(POSTMASTER) is first
    proc.write(POSTMASTER, {"cgroup": "0::/pg/inner\n"})
    assert folders.of(POSTMASTER)[""][0].endswith("/pg/inner")


def test_the_limit_of_an_outer_group_counts_if_it_is_nearer(tmp_path: Path) -> None:
    outer = tmp_path / "sys/fs/cgroup/pod"
    write_files(
        outer, {**FILES_V2, "memory.max": "800000\n", "cpu.max": "max 100000\n"}
    )
    write_files(outer / "pg", FILES_V2)
    limits = container(tmp_path, "0::/pod/pg\n")
    assert limits is not None
    assert (limits.memory_limit_bytes, limits.cpu_limit) == (800_000, 1.5)


def test_a_container_sees_its_own_group_as_the_root(tmp_path: Path) -> None:
    write_files(tmp_path / "sys/fs/cgroup", FILES_V2)
    for groups, root in (("0::/\n", "/"), ("0::/docker/x\n", "/docker/x")):
        limits = container(tmp_path, groups, root)
        assert limits is not None
        assert limits.memory_limit_bytes == 1_000_000


@pytest.mark.parametrize("path", ["/../other", "/docker/y", "/docker/xyz"])
def test_a_group_of_another_namespace_has_no_limits(tmp_path: Path, path: str) -> None:
    write_files(tmp_path / "sys/fs/cgroup", FILES_V2)
    assert container(tmp_path, f"0::{path}\n", "/docker/x") is None


def test_the_limits_of_a_group_in_version_1(tmp_path: Path) -> None:
    memory = {
        "memory.limit_in_bytes": "2000000\n",
        "memory.usage_in_bytes": "1900000\n",
        "memory.stat": "total_active_file 50000\ntotal_inactive_file 50000\n",
    }
    cpu = {"cpu.cfs_quota_us": "200000\n", "cpu.cfs_period_us": "100000\n"}
    top = {"memory.limit_in_bytes": "9223372036854771712\n"}
    write_files(tmp_path / "sys/fs/cgroup/memory", top)
    write_files(tmp_path / "sys/fs/cgroup/memory/pg", memory)
    write_files(tmp_path / "sys/fs/cgroup/cpu,cpuacct/pg", cpu)
    groups = "4:memory:/pg\n3:cpu,cpuacct:/pg\n1:name=systemd:/\n"
    limits = container(tmp_path, groups)
    assert limits is not None
    assert limits[:3] == (2_000_000, 1_800_000, 2.0)


def test_a_group_without_limits_has_none(tmp_path: Path) -> None:
    files = {"memory.max": "max\n", "memory.current": "5\n", "cpu.max": "max 100000\n"}
    write_files(tmp_path / "sys/fs/cgroup/pg", files)
    assert container(tmp_path, "0::/pg\n") == Container()


def test_throttling_is_counted_between_two_readings(tmp_path: Path) -> None:
    folder = tmp_path / "sys/fs/cgroup/pg"
    write_files(folder, FILES_V2)
    proc = FakeProc(tmp_path, 0)
    proc.write("self", {"mountinfo": MOUNTS.format(v2="/")})
    proc.write(POSTMASTER, {"cgroup": "0::/pg\n"})
    reader = MachineReader(proc)
    first = reader.container(POSTMASTER)
    write_files(folder, {"cpu.stat": "nr_periods 60\nnr_throttled 15\n"})
    second = reader.container(POSTMASTER)
    assert first is not None
    assert second is not None
    assert (first.throttled_percent, second.throttled_percent) == (None, 25)


def test_the_disk_is_known_only_where_the_folder_is(tmp_path: Path) -> None:
    """The postmaster works in its data directory; a setting may name a folder of other mounts."""
    proc = FakeProc(tmp_path, 0)
    reader = MachineReader(proc)
    assert reader.disk(POSTMASTER, str(tmp_path)) is None
    for pid in (POSTMASTER, os.getpid()):
        proc.write(pid, {"mountinfo": MOUNTS})
    sizes = os.statvfs(tmp_path)
    disk = reader.disk(POSTMASTER, str(tmp_path))
    assert disk is not None
    assert disk.size_bytes == sizes.f_blocks * sizes.f_frsize
    proc.write(POSTMASTER, {"mountinfo": "another"})
    assert reader.disk(POSTMASTER, str(tmp_path)) is None
    (tmp_path / f"proc/{POSTMASTER}/cwd").symlink_to(tmp_path)
    assert reader.disk(POSTMASTER, "") is not None
    assert Disk(100, 5).used_percent == 95


def test_the_data_folder_of_a_cluster() -> None:
    assert data_folder_in("7412/00000001//var/lib/pg data") == "/var/lib/pg data"
    for cluster in ("", "7412/00000001/", "7412/00000001/C:/pg"):
        assert data_folder_in(cluster) == ""


def test_the_machine_is_that_of_the_kernel() -> None:
    machine = MachineReader(Proc()).machine(os.getpid())
    page = os.sysconf("SC_PAGE_SIZE")
    assert machine.cpus == len(os.sched_getaffinity(0))
    assert machine.memory_bytes == pytest.approx(
        os.sysconf("SC_PHYS_PAGES") * page, abs=1 << 21
    )
    assert machine.load is not None
