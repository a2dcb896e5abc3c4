import doctest

import model_registry


def test_the_example_of_the_docstring_runs() -> None:
    result = doctest.testmod(model_registry)
    assert (result.failed, result.attempted > 10) == (0, True)


def test_every_exported_name_exists_and_has_a_docstring() -> None:
    for name in model_registry.__all__:
        exported = getattr(model_registry, name)
        assert not isinstance(exported, type) or exported.__doc__, name
