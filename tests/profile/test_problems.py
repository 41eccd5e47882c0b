from __future__ import annotations

from imsproof.profile.problems import Problem, ProfileError, dotted


def test_a_problem_is_one_line_with_file_line_field_found_and_allowed() -> None:
    problem = Problem("lab.yaml", 7, "gm.udp", "'x'", "an address")
    assert str(problem) == "lab.yaml:7: gm.udp: found 'x'; allowed: an address"


def test_a_problem_of_the_whole_file_has_neither_line_nor_field() -> None:
    assert str(Problem("lab.yaml", 0, "", "nothing", "fields")) == "lab.yaml: found nothing; allowed: fields"


def test_an_error_holds_the_problems_in_the_order_of_the_file() -> None:
    later, first = Problem("f", 9, "b", "x", "y"), Problem("f", 2, "a", "x", "y")
    error = ProfileError([later, first])
    assert error.problems == (first, later)
    assert str(error).splitlines() == [str(first), str(later)]


def test_a_location_is_written_with_dots_and_positions() -> None:
    assert dotted(("gm", "subscribers", 0, "impi")) == "gm.subscribers[0].impi"
    assert dotted(()) == ""
