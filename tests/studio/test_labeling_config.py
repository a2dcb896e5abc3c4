import dataclasses

import pytest

from backend.errors import LabelingConfigError
from backend.studio import labeling_config
from backend.types import Control, Head

IMAGE = '<Image name="img" value="$image"/>'


def view(*tags: str) -> str:
    return f"<View>{IMAGE}{''.join(tags)}</View>"


def boxes(attributes: str = "", labels: str = '<Label value="A"/><Label value="B"/>') -> str:
    return f'<RectangleLabels name="box" toName="img" {attributes}>{labels}</RectangleLabels>'


def test_rectangle_labels() -> None:
    config = labeling_config.parse(view(boxes()))
    assert config.controls == (Control("box", "img", "RectangleLabels", Head.DETECTION, ("A", "B"), "image"),)
    assert config.unsupported == ()
    assert config.group_by is None
    assert config.require() == config.controls
    assert config.control("box") == config.controls[0]
    assert config.control("other") is None


def test_example_of_the_error_text_is_served() -> None:
    assert labeling_config.parse(labeling_config.EXAMPLE).require()


def test_rectangle_with_labels() -> None:
    config = labeling_config.parse(
        view('<Rectangle name="r" toName="img"/>', '<Labels name="l" toName="img"><Label value="A"/></Labels>')
    )
    assert config.controls == (Control("r", "img", "Rectangle", Head.DETECTION, ("A",), "image", labels_from="l"),)
    assert config.unsupported == ()


def test_attributes() -> None:
    labels = '<Label value="A"/><Label value="B" model_skip="true"/><Label value="long" alias="C"/>'
    config = labeling_config.parse(view(boxes('model_score_threshold="0.4" model_group_by="$video"', labels)))
    assert config.controls[0].labels == ("A", "C")
    assert config.controls[0].score_threshold == 0.4
    assert config.group_by == "video"


def test_declaration_and_nested_views() -> None:
    xml = '<?xml version="1.0" encoding="utf-8"?>' + view(f"<View><View>{boxes()}</View></View>")
    assert labeling_config.parse(xml).controls[0].labels == ("A", "B")


@pytest.mark.parametrize(
    ("tag", "reason"),
    [
        ('<Choices name="c" toName="img"><Choice value="x"/></Choices>', "Choices 'c' (not supported yet)"),
        ('<Labels name="l" toName="img"><Label value="A"/></Labels>', "Labels 'l'"),
        ('<Rectangle name="r" toName="img"/>', "needs <Labels"),
        (boxes('model_skip="true"'), "left out by model_skip"),
        (boxes(labels=""), "has no Label in it"),
        (boxes('value="$labels"', ""), "labels out of the task data"),
        (boxes(labels='<Label value="A" model_skip="true"/>'), "all its labels"),
        ('<RectangleLabels name="r" toName="gone"><Label value="A"/></RectangleLabels>', "not the name of one Image"),
        (
            '<Video name="v" value="$v"/><RectangleLabels name="r" toName="v"><Label value="A"/></RectangleLabels>',
            "Image",
        ),
        (
            '<Image name="m" valueList="$m"/><RectangleLabels name="r" toName="m"><Label value="A"/></RectangleLabels>',
            "None",
        ),
    ],
)
def test_unsupported_controls_are_named_with_the_reason(tag: str, reason: str) -> None:
    config = labeling_config.parse(view(tag))
    assert config.controls == ()
    assert reason in config.unsupported[0]
    with pytest.raises(LabelingConfigError) as error:
        config.require()
    assert reason in str(error.value)
    assert "RectangleLabels on an Image" in str(error.value)
    assert labeling_config.EXAMPLE in str(error.value)


def test_no_control_at_all() -> None:
    with pytest.raises(LabelingConfigError, match="no control tag at all"):
        labeling_config.parse(view()).require()


def test_several_controls_of_which_one_is_served() -> None:
    config = labeling_config.parse(view('<Choices name="c" toName="img"><Choice value="x"/></Choices>', boxes()))
    assert [control.from_name for control in config.require()] == ["box"]
    assert len(config.unsupported) == 1


@pytest.mark.parametrize("xml", ["", "no xml", "<View>", "<View><Image name='a' value='$a'></View>"])
def test_unreadable(xml: str) -> None:
    with pytest.raises(LabelingConfigError, match="cannot be read"):
        labeling_config.parse(xml)


@pytest.mark.parametrize("value", ["high", "1.5", "-0.1", "nan", ""])
def test_impossible_threshold(value: str) -> None:
    with pytest.raises(LabelingConfigError, match="from 0 to 1"):
        labeling_config.parse(view(boxes(f'model_score_threshold="{value}"')))


def test_two_grouping_fields() -> None:
    other = '<Choices name="c" toName="img" model_group_by="scene"><Choice value="x"/></Choices>'
    with pytest.raises(LabelingConfigError, match="scene, video"):
        labeling_config.parse(view(boxes('model_group_by="video"'), other))


def fingerprint(*tags: str) -> str:
    return labeling_config.parse(view(*tags)).fingerprint


def test_fingerprint_changes_only_with_what_makes_a_model_stale() -> None:
    same = fingerprint(boxes())
    assert fingerprint(boxes(labels='<Label value="B" background="red"/><Label value="A"/>')) == same
    assert fingerprint(boxes('model_score_threshold="0.5" model_group_by="video"')) == same
    assert fingerprint(boxes(), '<Choices name="c" toName="img"><Choice value="x"/></Choices>') == same
    assert fingerprint(boxes(labels='<Label value="A"/>')) != same
    assert labeling_config.parse(view(boxes()).replace("$image", "$photo")).fingerprint != same
    assert labeling_config.parse(view(boxes()).replace('"box"', '"other"')).fingerprint != same


def test_control_fingerprint_does_not_depend_on_names() -> None:
    control = labeling_config.parse(view(boxes())).controls[0]
    renamed = dataclasses.replace(control, from_name="x", to_name="y", score_threshold=0.1)
    assert labeling_config.control_fingerprint(control) == labeling_config.control_fingerprint(renamed)
