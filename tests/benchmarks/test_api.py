"""The tables of the reference are those of what is exported, and current."""

import monoglot
from benchmarks import api, pages


def test_the_tables_are_current():
    assert pages.read(api.PAGE, api.BLOCK) == api.block(), "run python -m benchmarks.api"


def test_every_public_name_has_a_line_that_says_what_it_is():
    names = [name for listed in api.sections().values() for name in listed]
    assert sorted([*names, "__version__"]) == sorted(monoglot.__all__)
    for name in names:
        assert api.summary(name).endswith((".", ":")), name
        assert len(api.summary(name)) > 15, name
        assert (api.SOURCE / api.place(name)).is_file()
