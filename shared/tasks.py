"""The end of a background task, even of one that did not hear the first word."""

import asyncio

CANCEL_AGAIN_S = 0.05


async def end(*tasks: "asyncio.Task[None]") -> None:
    """Cancel tasks and come back when they have ended.

    Before Python 3.12 `asyncio.wait_for`, which the Redis client sends with, may swallow a cancellation; a loop
    without end would then be waited for without end.
    """
    ending = set(tasks)
    while ending:
        for task in ending:
            task.cancel()
        _, ending = await asyncio.wait(ending, timeout=CANCEL_AGAIN_S)
