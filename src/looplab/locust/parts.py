"""Parts of a locustfile that are the same, or nearly so, for many plans."""

from __future__ import annotations

IN_PATH = '''
def in_path(value):
    """Write a value into a path."""
    return quote(str(value), safe="/?&=+:@!$'()*,;%~-._")
'''

PLACE = '''
def place(environment):
    """Give the number of this Locust process from 0, and how many there are."""
    number = getattr(environment.runner, "worker_index", 0)
    return number, max(environment.parsed_options.expect_workers, 1)
'''

DEAL = '''
class Share:
    """What is left of the burst for this Locust process, and which processes have all of their answers."""

    unsent = unanswered = answered = 0


@events.init.add_listener
def listen(environment, **_):
    """Let the processes say that they have all of their answers."""
    environment.runner.register_message("answered", end)


def end(environment, msg, **_):
    """End when the last process has its answers."""
    Share.answered += 1
    if Share.answered == place(environment)[1]:
        spawn(environment.runner.quit)


@events.test_start.add_listener
def deal(environment, **_):
    """Give each process its part of the requests."""
    number, processes = place(environment)
    Share.unsent = Share.unanswered = {requests} // processes + (number < {requests} % processes)
'''

SEED = '''
@events.test_start.add_listener
def seed(environment, **_):
    """Begin the order of requests and values anew; each process has one of its own."""
    random.seed(f"{seed} {{place(environment)[0]}}")
'''

CUT = '''
@events.test_stopping.add_listener
def cut(environment, **_):
    """Cut what is open when the time is up. Users who leave before that end their present request first."""
    environment.stop_timeout = 0
'''

SHAPE = '''
class Stages(LoadTestShape):
    """Users go on straight lines from stage to stage. Locust asks once a second how many there shall be."""

    lines = {lines}
    """From which second and number of users, to which."""

    def tick(self):
        now = self.get_run_time()
        for begin, low, end, high in self.lines:
            if now < end:
                middle = min(now + 0.5, end)
                users = round(low + (high - low) * (middle - begin) / (end - begin))
                return users, {rate}
        return None
'''
