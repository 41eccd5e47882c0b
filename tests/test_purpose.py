"""A test function says which purposes it stands for."""

from __future__ import annotations

from imsproof.purpose import purpose, purposes, purposes_of


def test_one_purpose_has_no_case() -> None:
    @purpose("SBI-TLS-01")
    def testcase() -> None: ...

    found = purposes_of(testcase)
    assert found is not None
    assert (dict(found.cases), found.table) == ({"SBI-TLS-01": None}, False)


def test_a_table_gives_each_purpose_its_case() -> None:
    @purposes({"A-B-01": 1, "A-B-02": 2})
    def testcase(case: int) -> None: ...

    found = purposes_of(testcase)
    assert found is not None
    assert (dict(found.cases), found.table) == ({"A-B-01": 1, "A-B-02": 2}, True)


def test_a_plain_function_is_no_testcase() -> None:
    assert purposes_of(len) is None
