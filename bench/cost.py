"""What a request costs: CPU time of the whole process tree of a proxy under a load, with the rate and the latencies."""

from dataclasses import dataclass


@dataclass
class Cost:
    """Of one contestant in one round."""

    requests: int
    requests_per_second: float
    cpu_microseconds: float  # per request
    busy: float  # share of its CPU that the proxy used
    median_latency: float
    p99_latency: float


def measure(server, generator, seconds):
    before = server.process.cpu_seconds()
    load = generator.run(server, seconds)
    cpu = server.process.cpu_seconds() - before
    server.forget_logs()
    return Cost(requests=load.requests, requests_per_second=load.requests / load.seconds,
                cpu_microseconds=cpu / load.requests * 1e6, busy=cpu / load.seconds,
                median_latency=load.median_latency, p99_latency=load.p99_latency)
