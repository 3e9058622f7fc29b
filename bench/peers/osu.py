"""The suite's programs over mpi4py: latency, bw, and collectives, of buffers and, with object=1, of pickled objects.

The method, the settings and the lines of JSON are those of osu.c and ../suite. The bare reference is fixed work: a ping-pong
in Python would measure the interpreter. With pkl5=1 objects go by mpi4py.util.pkl5, their arrays out of band.

    mpirun -n 2 python3 osu.py program=latency sizes=8,1024 repetitions=5 window=64 settle=1000
"""

import json
import math
import os
import sys
from statistics import median
from time import perf_counter

from mpi4py import MPI

SHORT_US, BATCH_US, REPETITION_US, BLOCK_US, MOVED, SPREAD, TRIES = 2, 20, 100_000, 10_000, 1.1, 1.03, 3
DEFAULTS = {"iterations": 0, "warmup": -1, "repetitions": 5, "window": 64, "touch": 0, "root": 1, "settle": 1000, "object": 0, "pkl5": 0}

settings = {**DEFAULTS, **{name: value for name, value in (word.split("=", 1) for word in sys.argv[1:])}}
for key in DEFAULTS:
    settings[key] = int(float(settings[key]))
program = settings["program"]
sizes = [int(size) for size in settings.get("sizes", "0").split(",")]
window = settings["window"]

world = MPI.COMM_WORLD
control = world.Dup()
rank, ranks = world.rank, world.size
if settings["pkl5"]:
    from mpi4py.util import pkl5

    comm = pkl5.Intracomm(world.Dup())
else:
    comm = world.Dup()

core = -1 if len(os.sched_getaffinity(0)) != 1 else min(os.sched_getaffinity(0))
places = control.allgather(core)
is_pinned = min(places) >= 0 and (ranks < 2 or places[0] != places[1])
cores = len(set(places)) if is_pinned else len(os.sched_getaffinity(0))


def decide(value):
    return control.bcast(value, 0)


def reference():
    """Microseconds of fixed work on rank 0."""
    if rank != 0:
        return 1.0
    samples = []
    for _ in range(5):
        start = perf_counter()
        value = 1
        for _ in range(2000):
            value = (value * 1664525 + 1013904223) & 0xFFFFFFFF
        samples.append((perf_counter() - start) * 1e6)
    return median(samples)


def machine():
    """Busy and stolen seconds of all cores, and the time."""
    try:
        with open("/proc/stat", encoding="ascii") as file:
            ticks = [int(word) for word in file.readline().split()[1:9]]
    except OSError:
        return 0, 0, perf_counter()
    return (sum(ticks[:3]) + ticks[5] + ticks[6]) / 100, ticks[7] / 100, perf_counter()


def message(size):
    """An object that holds an array of that size."""
    import numpy

    return {"step": 1, "name": "field", "values": numpy.full(size >> 3, float(rank + 1))}


def pair_operation(size):
    """Return what is timed, the parts of its time, iterations, and whether ranks come together before it."""
    peer, is_sender, has_part = 1 - rank, rank == 0, rank < 2
    if settings["object"]:
        value = message(size)
        send, recv = (lambda: comm.send(value, peer, 1)), (lambda: comm.recv(None, peer, 1))
        isend, irecv = (lambda: comm.isend(value, peer, 1)), (lambda: comm.irecv(None, peer, 1))
    else:
        data, into = bytearray([rank + 1]) * size, bytearray(size)
        out_spec, into_spec = [data, size, MPI.BYTE], [into, size, MPI.BYTE]
        send, recv = (lambda: comm.Send(out_spec, peer, 1)), (lambda: comm.Recv(into_spec, peer, 1))
        isend, irecv = (lambda: comm.Isend(out_spec, peer, 1)), (lambda: comm.Irecv(into_spec, peer, 1))
    ack = bytearray(1)

    def latency(count):
        if not has_part:
            return
        for _ in range(count):
            if is_sender:
                send()
            recv()
            if not is_sender:
                send()

    def bandwidth(count):
        if not has_part:
            return
        for _ in range(count):
            if settings["object"] and not is_sender:
                # An irecv of an object would need room for it beforehand.
                for _ in range(window):
                    recv()
            elif settings["object"]:
                for request in [isend() for _ in range(window)]:
                    request.wait()
            else:
                MPI.Request.Waitall([isend() if is_sender else irecv() for _ in range(window)])
            if is_sender:
                control.Recv([ack, MPI.BYTE], peer, 2)
            else:
                control.Send([ack, MPI.BYTE], peer, 2)

    if program == "latency":
        return latency, 2, max(10, min(20_000, int(2e8 / (size + 10_000)))), False
    return bandwidth, window, max(2, min(500, int(4e8 / ((size + 2000) * window)))), False


def collective_operation(size):
    count = max(1, size // 4)
    ints, sums = bytearray(4 * count), bytearray(4 * count)
    out, into = bytearray(size * ranks), bytearray(size * ranks)
    part = memoryview(out)[:size]
    some = memoryview(into)[:size]
    value = message(size) if settings["object"] else None
    turn = [0]

    def root():
        turn[0] += 1
        return turn[0] % ranks if settings["root"] else 0

    buffers = {
        "barrier": lambda: comm.Barrier(),
        "bcast": lambda: comm.Bcast([part, MPI.BYTE], root()),
        "reduce": lambda: comm.Reduce([ints, MPI.INT], [sums, MPI.INT], MPI.SUM, root()),
        "allreduce": lambda: comm.Allreduce([ints, MPI.INT], [sums, MPI.INT], MPI.SUM),
        "gather": lambda: comm.Gather([part, MPI.BYTE], [into, MPI.BYTE], root()),
        "scatter": lambda: comm.Scatter([out, MPI.BYTE], [some, MPI.BYTE], root()),
        "allgather": lambda: comm.Allgather([part, MPI.BYTE], [into, MPI.BYTE]),
        "alltoall": lambda: comm.Alltoall([out, MPI.BYTE], [into, MPI.BYTE]),
    }
    objects = {"bcast": lambda: comm.bcast(value, 0), "allgather": lambda: comm.allgather(value), "gather": lambda: comm.gather(value, root())}
    call = (objects if settings["object"] else buffers).get(program)
    if call is None:
        sys.exit(f"{program} is not written here")

    def run(count):
        for _ in range(count):
            call()

    messages = max(10, min(20_000, int(2e8 / (size * ranks + 10_000))))
    return run, 1, max(10, int(messages / max(1, ranks / 2))), True


def measure(size):
    run, parts, iterations, is_collective = pair_operation(size) if program in ("latency", "bw") else collective_operation(size)

    def timed(count):
        start = perf_counter()
        run(count)
        return (perf_counter() - start) * 1e6 / (count * parts)

    def block(count):
        control.Barrier()
        return decide(timed(max(1, int(count))))

    before, cpu = machine(), os.times()
    first = block(1)
    hundred = max(1, min(99, settings["iterations"] or iterations, int(REPETITION_US / (first * parts))))
    first_hundred = (first + block(hundred) * hundred) / (hundred + 1)
    estimate = first_hundred * parts
    is_settled = settings["warmup"] >= 0
    if settings["warmup"] > 0:
        estimate = block(settings["warmup"]) * parts
    blocks, end = [], perf_counter() + settings["settle"] / 1000
    while not is_settled and decide(perf_counter() < end):
        blocks = [*blocks[-2:], block(min(iterations, BLOCK_US / estimate))]
        estimate = blocks[-1] * parts
        is_settled = len(blocks) == 3 and max(blocks) <= min(blocks) * SPREAD
    count = settings["iterations"] or max(2, min(iterations, int(REPETITION_US / estimate)))
    batch = 1 if estimate >= SHORT_US * parts else max(1, min(count, math.ceil(BATCH_US / estimate)))
    count = max(1, count // batch)

    repetitions, samples, accepted = [], [], 0
    while decide(accepted < settings["repetitions"] and len(repetitions) < TRIES * settings["repetitions"]):
        control.Barrier()
        early, from_state = reference(), machine()
        control.Barrier()
        times = []
        for _ in range(count):
            if is_collective:
                control.Barrier()
            times.append(timed(batch))
        control.Barrier()
        to_state, late = machine(), reference()
        repetition = {"us": sum(times) / count, "reference": [early, late]}
        if max(early / late, late / early) > MOVED:
            repetition["rejected"] = "reference moved"
        elif to_state[1] > from_state[1]:
            repetition["rejected"] = "steal time"
        accepted += "rejected" not in repetition
        repetitions.append(repetition)
        samples.append(times)
    after = os.times()
    own = control.reduce(after.user + after.system - cpu.user - cpu.system, MPI.SUM, 0)
    row = None
    if is_collective:
        everyone = control.gather(samples, 0)
        if rank == 0:
            samples = [[sum(column) / ranks for column in zip(*times)] for times in zip(*everyone)]
            slowest = [max(column) for times in zip(*everyone) for column in zip(*times)]
            means = [sum(sum(times) for times in one) / (len(one) * count) for one in everyone]
            row = {"ranks": {"min": min(means), "max": max(means)}, "slowest": {**tail(slowest), "mean": sum(slowest) / len(slowest)}}
            for repetition, times in zip(repetitions, samples):
                repetition["us"] = sum(times) / count
    if rank != 0:
        return
    is_clean = accepted >= min(3, settings["repetitions"])
    counting = [k for k, one in enumerate(repetitions) if not is_clean or "rejected" not in one]
    us = median(repetitions[k]["us"] for k in counting)
    disturbed = [] if is_clean else [f"{len(repetitions) - accepted} of {len(repetitions)} repetitions"]
    end_state = machine()
    seconds = end_state[2] - before[2]
    others = max(0, (end_state[0] - before[0] - own) / seconds)
    if seconds >= 0.2 and others > 0.1:
        disturbed.append(f"others took {others:.1f} cores")
    line = {
        **{"kind": "row", "program": program, "size": size, "us": us, "batch": batch, "iterations": count * batch},
        **{"tail": tail([time for k in counting for time in samples[k]]), "repetitions": repetitions},
        **{"rejectedShare": 1 - accepted / len(repetitions), "disturbed": disturbed, "isSettled": is_settled},
        **{"firstUs": first, "firstHundredUs": first_hundred, **(row or {})},
    }
    if program == "bw":
        line |= {"megabytesPerSecond": size / us, "messagesPerSecond": 1e6 / us}
    print(json.dumps(line, separators=(",", ":")), flush=True)


def tail(samples):
    ordered = sorted(samples)
    at = lambda q: ordered[min(len(ordered), max(1, math.ceil(q * len(ordered) - 1e-9))) - 1]
    return {"min": ordered[0], "p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "p999": at(0.999), "max": ordered[-1]}


if rank == 0:
    library = MPI.Get_library_version().split(",")[0].split("\n")[0].replace("\t", " ")
    job = {
        **{"kind": "job", "program": program, "ranks": ranks, "library": f"mpi4py {__import__('mpi4py').__version__} over {library}", "hosts": 1},
        **{"cores": cores, "isOversubscribed": ranks > cores, "isPinned": is_pinned, "rankKind": "process", "reference": "fixed work"},
    }
    print(json.dumps(job, separators=(",", ":")), flush=True)
for size in sizes:
    measure(size)
