"""Guessing passwords, responses and names (TS 33.117 4.2.3.4.3.3 by analogy, RFC 7616 5)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from imsproof.actors.credentials import Credentials
from imsproof.actors.liveness import SipProbe, other_source
from imsproof.actors.transactions import new_branch
from imsproof.actors.ue import Ue
from imsproof.codec import sip
from imsproof.gmsteps import wrong
from imsproof.judge import alive, control, expect
from imsproof.purpose import purpose
from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    from imsproof.actors.outsider import Outsider
    from imsproof.actors.sipsubject import Registration
    from imsproof.bench import Bench
    from imsproof.link.subject import RawAnswer
    from imsproof.profile.gm import Subscriber

GUESSES = 20
SLOW_SECONDS = 1.0
SAMPLES = 60
ERROR_RATE = 0.001
TELLING = 0.75


def guess(bench: Bench, attacker: Ue, label: str) -> Registration:
    """One guess: a registration with a response that is wrong."""
    within = bench.profile.timers.silence
    if attacker.subscriber.auth == "aka":
        return bench.session.run(attacker.aregister(res=wrong, label=label, within=within))
    password = f"{bench.random.getrandbits(40):010x}"
    return bench.session.run(attacker.aregister(password=password, label=label, within=within))


def guess_all(bench: Bench, attacker: Ue) -> list[str]:
    """Guess until there is no challenge, or often enough; returns the conversations."""
    done = []
    for number in range(1, GUESSES + 1):
        one = guess(bench, attacker, f"guess {number}")
        done.append(one.exchange)
        if one.ok and one.challenge is None:
            raise InconclusiveError(f"{one.exchange}: registered without a challenge: there is nothing to guess")
        if number > 1 and one.challenge is None:  # the first may just meet a network that is busy
            break
    return done


def guesser(bench: Bench, victim: Ue) -> Ue:
    """Somebody at another address, where there is one, who tries the victim's name."""
    usual = victim.local[0]
    source = next((one for one in bench.profile.tester.addresses if one != usual), None)
    source = source or other_source(first_address(bench), usual)
    return Ue(bench.session, bench.gm, victim.subscriber, actor="guesser", source=source)


def first_address(bench: Bench) -> str:
    """The lab's address on Gm."""
    return next(iter(bench.gm.transports().values()))[0]


@purpose("GM-GUESS-01")
def test_guessing_is_limited(bench: Bench) -> None:
    """After wrong passwords in a row, further ones are slowed, no longer challenged, or refused whatever they say."""
    victim = bench.ue(auth="digest", registered=False)
    control(victim.register(label="REGISTER of the rightful subscriber")).accepted()
    victim.deregister()  # a network that grants one contact alone would refuse the guesser's, whatever its password
    attacker = guesser(bench, victim)
    guesses = guess_all(bench, attacker)
    within = 2 * bench.profile.timers.silence
    right = bench.session.run(attacker.aregister(label="the right answer, after the guesses", within=within))
    expect(right).that("guessing-limited", guesses=guesses, right=right.exchange, slow=SLOW_SECONDS)
    alive(SipProbe(bench.session, bench.gm).probe())


@purpose("GM-GUESS-02")
def test_guessing_does_not_lock_the_rightful_subscriber_out(bench: Bench) -> None:
    """After somebody's wrong guesses at another address, the rightful subscriber registers as before."""
    victim = bench.ue(registered=False)
    control(victim.register(label="REGISTER of the rightful subscriber")).accepted()
    attacker = guesser(bench, victim)
    if attacker.local[0] == victim.local[0]:
        raise InconclusiveError("there is no second address to guess from: fill in tester.addresses")
    guess_all(bench, attacker)
    after = victim.register(label="REGISTER of the rightful subscriber, after the guesses")
    expect(after).accepted()
    alive(SipProbe(bench.session, bench.gm).probe())


class Asker:
    """Asks to register under a name, known or not, as a first REGISTER without a response."""

    def __init__(self, bench: Bench, outsider: Outsider) -> None:
        self._bench, self._outsider = bench, outsider
        self._probe = SipProbe(bench.session, bench.gm)
        auth = "aka" if "gm.aka" in bench.profile.capabilities() else "digest"
        # Nobody knows which algorithm somebody made up would have: one that most have tells least.
        usual, _ = Counter(one.algorithm for one in bench.gm.subscribers if one.auth == auth).most_common(1)[0]
        self.known: Subscriber = bench.subscribers(1, auth=auth, algorithms=(usual,))[0]

    def ask(self, label: str, *, known: bool) -> RawAnswer:
        """Send one REGISTER and wait for its answer."""
        gm, subscriber = self._bench.gm, self.known if known else self._unknown()
        token = new_branch()[7:]
        headers = [
            ("Via", f"SIP/2.0/{self._probe.transport.upper()} asker.invalid:5060;branch={new_branch()};rport"),
            ("Max-Forwards", "70"),
            ("From", f"<{subscriber.impu}>;tag={token}"),
            ("To", f"<{subscriber.impu}>"),
            ("Call-ID", f"{token}@asker.invalid"),
            ("CSeq", "1 REGISTER"),
            ("Contact", f"<sip:{token}@asker.invalid>"),
            ("Supported", "path"),
        ]
        if subscriber.auth == "aka":
            headers.append(("Authorization", Credentials(subscriber, gm.digest_realm).initial(gm.registrar)))
        data = sip.request("REGISTER", gm.registrar, headers).to_bytes()
        answer = self._outsider.send(
            data, self._probe.target, label, transport=self._probe.transport, linger=0.0, injected=False
        )
        answer.accept = (200, 401, 407)
        return answer

    def _unknown(self) -> Subscriber:
        """Somebody of the same form, whom nobody subscribed: other digits in both identities."""
        digits = f"{self._bench.random.randrange(10**8):08d}"
        user, at, host = self.known.impi.partition("@")
        other = user[: max(len(user) - 8, 0)] + digits[: min(len(user), 8)]
        uri = sip.parse_uri(self.known.impu)
        uri.user = uri.user[: max(len(uri.user) - 8, 0)] + digits[: min(len(uri.user), 8)]
        return self.known.model_copy(update={"impi": f"{other}{at}{host}", "impus": (str(uri),)})


@purpose("GM-GUESS-03")
def test_an_answer_does_not_tell_who_is_subscribed(bench: Bench, outsider: Outsider) -> None:
    """The answers to a first REGISTER of a subscriber and of nobody are of one kind."""
    asker = Asker(bench, outsider)
    known = asker.ask("REGISTER of a subscriber", known=True)
    control(known).accepted()
    unknown = asker.ask("REGISTER of nobody", known=False)
    expect(known).holds("answers-alike", other=unknown.exchange)
    alive(asker.ask("REGISTER of a subscriber again", known=True))


@purpose("GM-GUESS-04")
def test_time_does_not_tell_who_is_subscribed(bench: Bench, outsider: Outsider) -> None:
    """The time to the challenge is the same for subscribers and for nobody (Mann-Whitney, error rate 0.1 %)."""
    asker = Asker(bench, outsider)
    first = asker.ask("REGISTER of a subscriber", known=True)
    control(first).accepted()
    order = [True, False] * SAMPLES
    bench.random.shuffle(order)
    times: dict[bool, list[str]] = {True: [], False: []}
    for known in order:
        times[known].append(asker.ask(f"REGISTER of {'a subscriber' if known else 'nobody'}", known=known).exchange)
    expect(first).that("times-alike", ones=times[True], others=times[False], error_rate=ERROR_RATE, telling=TELLING)
    alive(asker.ask("REGISTER of a subscriber again", known=True))
