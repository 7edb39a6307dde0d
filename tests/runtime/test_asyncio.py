"""asyncio on WASI: a loop without sockets and threads, which is all that most coroutines need."""

import pytest

USE = """
import asyncio
async def work(queue, done):
    while (item := await queue.get()) is not None:
        await asyncio.sleep(0.001)
        done.append(item)
async def main():
    queue, done, event, loop = asyncio.Queue(), [], asyncio.Event(), asyncio.get_running_loop()
    began = loop.time()
    async with asyncio.TaskGroup() as group:
        for _ in range(2):
            group.create_task(work(queue, done))
        for item in [*range(5), None, None]:
            await queue.put(item)
    try:
        async with asyncio.timeout(0.01):
            await asyncio.sleep(60)
    except TimeoutError:
        done.append("late")
    loop.call_later(0.05, event.set)
    await event.wait()
    loop.call_soon_threadsafe(done.append, "safely")
    await asyncio.sleep(0)
    return done, 0.05 < loop.time() - began < 30
print(asyncio.run(main(), debug=True))
print(asyncio.run(main()))
"""


def test_coroutines(guest):
    done = guest("-c", USE)
    line = "([0, 1, 2, 3, 4, 'late', 'safely'], True)\n"
    assert (done.stdout, done.stderr, done.returncode) == (line * 2, "", 0)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("asyncio.to_thread(print)", "RuntimeError: can't start new thread"),
        ("asyncio.create_subprocess_exec('true')", "OSError: [Errno 58] wasi does not support processes."),
        ("asyncio.open_connection('127.0.0.1', 80)", "OSError: [Errno 5] WASI preview 1 has no network"),
        ("asyncio.start_server(print, '127.0.0.1', 80)", "OSError: [Errno 5] WASI preview 1 has no network"),
    ],
)
def test_what_there_is_not_says_so(guest, code, error):
    done = guest("-c", f"import asyncio; asyncio.run({code})")
    assert done.stderr.rstrip().endswith(error)


def test_signals_are_refused_as_where_there_are_none(guest):
    code = """
import asyncio, signal
async def main():
    try:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, print)
    except NotImplementedError:
        print("none")
asyncio.run(main())
"""
    done = guest("-c", code)
    assert (done.stdout, done.stderr) == ("none\n", "")
