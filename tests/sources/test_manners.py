import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from machinami.errors import BudgetError, HostBlocked, SourceError
from machinami.sources.manners import (
    Asker,
    Manners,
    Pace,
    RequestCount,
    Silence,
    TryAgain,
    Unanswered,
    judge_status,
    wait_s,
)
from machinami.sources.secret import Secret
from machinami.sources.transport import Answer, Request, TransportError

NOW = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)
REQUEST = Request(url="https://example.org/search")


class Clock:
    """Time that passes only where somebody sleeps."""

    def __init__(self):
        self.now, self.slept = 0.0, []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


class Script:
    """A transport that answers as written."""

    def __init__(self, *answers):
        self.answers, self.sent = list(answers), []

    def send(self, request, *, deadline_s):
        self.sent.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def asker(script, clock, *, per_s=1000.0, **manners):
    pace = Pace(per_s, clock=clock, sleep=clock.sleep)
    return Asker(
        transport=script, manners=Manners(**manners), pace=pace, clock=clock, sleep=clock.sleep, requests=RequestCount()
    )


def by_status(answer):
    return judge_status(answer, host="example.org", now=NOW)


def test_a_good_answer_comes_at_once():
    clock, script = Clock(), Script(Answer(status=200, body=b"x"))
    asked = asker(script, clock)
    assert asked.ask(REQUEST, by_status).body == b"x"
    assert clock.slept == []
    assert asked.requests.by_host() == {"example.org": 1}


def test_trouble_is_asked_again_with_growing_waits_and_every_request_counts():
    clock = Clock()
    script = Script(TransportError("reset"), Answer(status=503), Answer(status=429), Answer(status=200))
    asked, left = asker(script, clock), []
    asked.ask(REQUEST, by_status, before=lambda: left.append(1))
    assert clock.slept == [0.5, 1.0, 2.0]
    assert asked.requests.by_host() == {"example.org": 4}
    assert len(left) == 4


def test_retry_after_is_honoured_and_holds_everyone_back():
    clock = Clock()
    script = Script(Answer(status=429, headers={"retry-after": "7"}), Answer(status=200), Answer(status=200))
    asked = asker(script, clock)
    asked.ask(REQUEST, by_status)
    assert clock.now == pytest.approx(7.0)


def test_nobody_asks_while_the_host_rests():
    clock = Clock()
    pace = Pace(5.0, clock=clock, sleep=clock.sleep)
    pace.rest(9.0)
    pace.wait()
    assert clock.now == pytest.approx(9.0)


def test_attempts_are_bounded():
    clock, script = Clock(), Script(*[Answer(status=500)] * 3)
    with pytest.raises(Unanswered, match="3 attempts"):
        asker(script, clock, attempts=3).ask(REQUEST, by_status)
    assert len(script.sent) == 3


def test_time_is_bounded():
    clock, script = Clock(), Script(*[Answer(status=500)] * 50)
    with pytest.raises(Unanswered):
        asker(script, clock, attempts=50, deadline_s=10.0).ask(REQUEST, by_status)
    assert clock.now <= 10.0


def test_what_before_raises_keeps_the_request_from_leaving():
    script = Script(Answer(status=200))
    with pytest.raises(KeyError):
        asker(script, Clock()).ask(REQUEST, by_status, before=lambda: {}["no money"])
    assert script.sent == []


def test_a_final_verdict_ends_the_question():
    script = Script(Answer(status=302, headers={"location": "https://example.org/login"}), Answer(status=200))
    with pytest.raises(HostBlocked, match="turns requests away"):
        asker(script, Clock()).ask(REQUEST, by_status)
    assert len(script.sent) == 1


@pytest.mark.parametrize(
    ("status", "verdict"),
    [(200, type(None)), (429, TryAgain), (500, TryAgain), (503, TryAgain), (408, TryAgain), (301, HostBlocked),
     (302, HostBlocked), (403, HostBlocked), (400, SourceError), (404, SourceError), (401, SourceError)],
)  # fmt: skip
def test_what_a_status_says(status, verdict):
    assert isinstance(by_status(Answer(status=status)), verdict)


def test_a_message_never_holds_a_key():
    answer = Answer(status=400, body=b"bad request: https://example.org/?key=SECRETKEY&size=1 and access_token=TOKEN")
    text = str(by_status(answer))
    assert "SECRETKEY" not in text
    assert "TOKEN" not in text
    assert "size=1" in text


def test_waits_grow_to_a_bound():
    assert [wait_s(n, None) for n in (1, 2, 5, 9, 1000)] == [0.5, 1.0, 8.0, 60.0, 60.0]
    assert wait_s(5, 0.1) == 8.0


def test_the_pace_is_kept_over_any_stretch():
    clock = Clock()
    pace = Pace(5.0, clock=clock, sleep=clock.sleep)
    times = []
    for _ in range(60):
        pace.wait()
        times.append(clock.now)
    for i in range(len(times)):
        for j in range(i, len(times)):
            assert j - i + 1 <= 5 + 5.0 * (times[j] - times[i]) + 1e-6


def test_threads_share_the_pace():
    clock = Clock()
    lock = threading.Lock()

    def sleep(seconds):
        with lock:
            clock.now += seconds

    pace = Pace(10.0, clock=clock, sleep=sleep)
    threads = [threading.Thread(target=lambda: [pace.wait() for _ in range(25)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock.now >= (100 - 10) / 10.0 - 1e-6


def refused(asker, error, **options):
    with pytest.raises(error) as caught:
        asker.ask(REQUEST, by_status, **options)
    return str(caught.value)


def test_a_host_that_leaves_many_questions_unanswered_is_asked_no_more():
    clock = Clock()
    script = Script(*[Answer(status=500)] * 6, Answer(status=200))
    hands = replace(asker(script, clock, attempts=2), silence=Silence(after=3))
    for _ in range(3):
        assert "answers 500" in refused(hands, Unanswered)
    said = refused(hands, Unanswered, before=lambda: pytest.fail("a silent host costs nothing"))
    assert "example.org left 3 questions in a row unanswered" in said
    assert len(script.sent) == 6
    assert hands.ask(Request(url="https://other.example.org/"), by_status).status == 200


def test_an_answer_ends_a_silence():
    script = Script(*[Answer(status=500), Answer(status=500), Answer(status=404)] * 4)
    hands = replace(asker(script, Clock(), attempts=1), silence=Silence(after=3))
    for _ in range(4):
        refused(hands, Unanswered)
        refused(hands, Unanswered)
        refused(hands, SourceError)
    assert len(script.sent) == 12, "every question left: the host was never taken for silent"


def test_a_ceiling_says_nothing_of_the_host():
    def refuse():
        raise BudgetError("enough")

    hands = replace(asker(Script(Answer(status=200)), Clock()), silence=Silence(after=1))
    refused(hands, BudgetError, before=refuse)
    assert hands.ask(REQUEST, by_status).status == 200


def test_keys_in_what_a_failed_connection_says_are_hidden():
    script = Script(TransportError("Illegal header value b'MLY|very-secret'"))
    hands = replace(asker(script, Clock(), attempts=1), keys=(Secret("MLY|very-secret"),))
    assert "Illegal header value b'***'" in refused(hands, Unanswered)


def test_keys_in_what_a_provider_says_are_hidden_from_those_who_read_it():
    script = Script(
        Answer(status=400, body=b"AIzaVerySecret is wrong, in short"), Answer(status=200, body=b"AIzaVerySecret")
    )
    hands = replace(asker(script, Clock()), keys=(Secret("AIzaVerySecret"), Secret("short")))
    assert "answers 400: *** is wrong, in short" in refused(hands, SourceError)
    assert hands.ask(REQUEST, by_status).body == b"AIzaVerySecret", "what is kept is kept as it came"
