"""Which library members python.wasm pulls in."""

from hatch_wasi.cpython.exports import Member, parse_nm, pullable

NM = """\
libc.a[malloc.o]: malloc T 1 10
libc.a[malloc.o]: free W 11 10
libc.a[malloc.o]: abort U 0 0
libc.a[malloc.o]: helper t 1 1
python.o: Py_Main T 1 1

"""


def test_nm_gives_members_with_what_they_define_and_need() -> None:
    members = parse_nm(NM)
    assert list(members) == ["libc.a[malloc.o]", "python.o"]
    assert members["libc.a[malloc.o]"] == Member(strong={"malloc"}, weak={"free"}, needs={"abort"})
    assert members["python.o"].defines == {"Py_Main"}


def test_everything_that_links_is_pulled() -> None:
    members = {
        "strtok": Member(strong={"strtok"}, needs={"strspn", "__stack_pointer"}),
        "strspn": Member(strong={"strspn"}),
        "write": Member(strong={"write"}, needs={"__imported_wasi_snapshot_preview1_fd_write"}),
    }
    assert pullable(members, set()) == ["strspn", "strtok", "write"]


def test_a_member_that_clashes_is_left_out_with_all_that_need_it() -> None:
    members = {
        "condvar": Member(strong={"pthread_cond_wait", "pthread_cond_broadcast"}),
        "c11": Member(strong={"cnd_broadcast"}, needs={"pthread_cond_broadcast"}),
        "user": Member(strong={"user"}, needs={"cnd_broadcast"}),
        "weak": Member(weak={"pthread_cond_wait", "harmless"}),
    }
    assert pullable(members, {"pthread_cond_wait"}) == ["harmless"]
    # Once the program has its own, the member's need is met.
    assert pullable(members, {"pthread_cond_wait", "pthread_cond_broadcast"}) == ["cnd_broadcast", "harmless", "user"]


def test_a_member_that_nobody_can_satisfy_is_left_out() -> None:
    members = {
        "personality": Member(strong={"__gcc_personality_v0"}, needs={"_Unwind_SetIP"}),
        "main": Member(strong={"main"}),
    }
    assert pullable(members, set()) == []
