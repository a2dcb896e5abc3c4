import dataclasses

import pytest

from backend.errors import LabelingConfigError
from backend.studio import labeling_config
from backend.studio.tags import supported
from backend.types import Control, Head, Media

IMAGE = '<Image name="img" value="$image"/>'


def view(*tags: str) -> str:
    return f"<View>{IMAGE}{''.join(tags)}</View>"


def boxes(attributes: str = "", labels: str = '<Label value="A"/><Label value="B"/>') -> str:
    return f'<RectangleLabels name="box" toName="img" {attributes}>{labels}</RectangleLabels>'


def points(labels: str = '<Label value="nose"/><Label value="tail"/>') -> str:
    return f'<KeyPointLabels name="k" toName="img">{labels}</KeyPointLabels>'


LABELS = '<Labels name="l" toName="img"><Label value="A"/></Labels>'


def test_rectangle_labels() -> None:
    config = labeling_config.parse(view(boxes()))
    assert config.controls == (Control("box", "img", "RectangleLabels", Head.DETECTION, ("A", "B"), "image"),)
    assert config.unsupported == ()
    assert config.group_by is None
    assert config.require() == config.controls
    assert config.control("box") == config.controls[0]
    assert config.control("other") is None


def test_how_many_points_of_a_label_a_frame_may_hold() -> None:
    def parsed(attribute: str, before: str = "") -> Control:
        text = f'<KeyPointLabels name="k" toName="img" {attribute}><Label value="cell"/></KeyPointLabels>'
        return labeling_config.parse(view(before + text)).controls[-1]

    assert [parsed(a).any_number for a in ("", 'model_points="one"', 'model_points=" Many "')] == [None, False, True]
    assert parsed("", boxes()).boxes_from == "box"
    assert parsed('model_points="many"', boxes()).boxes_from is None
    marks = {labeling_config.control_fingerprint(parsed(a)) for a in ("", 'model_points="one"', 'model_points="many"')}
    assert len(marks) == 3
    with pytest.raises(LabelingConfigError, match=r"model_points='two'\. Expected `many`"):
        parsed('model_points="two"')


def test_example_of_the_error_text_is_served() -> None:
    assert labeling_config.parse(labeling_config.EXAMPLE).require()


def test_rectangle_with_labels() -> None:
    config = labeling_config.parse(
        view('<Rectangle name="r" toName="img"/>', '<Labels name="l" toName="img"><Label value="A"/></Labels>')
    )
    assert config.controls == (Control("r", "img", "Rectangle", Head.DETECTION, ("A",), "image", labels_from="l"),)
    assert config.unsupported == ()


@pytest.mark.parametrize("shape", ["Brush", "Bitmask", "Polygon", "Ellipse"])
def test_masks(shape: str) -> None:
    own = f'<{shape}Labels name="m" toName="img"><Label value="A"/></{shape}Labels>'
    assert labeling_config.parse(view(own)).controls == (
        Control("m", "img", f"{shape}Labels", Head.SEGMENTATION, ("A",), "image"),
    )
    pair = labeling_config.parse(view(f'<{shape} name="m" toName="img"/>', LABELS))
    assert pair.controls == (Control("m", "img", shape, Head.SEGMENTATION, ("A",), "image", labels_from="l"),)
    assert pair.unsupported == ()


def test_several_tags_may_share_their_labels() -> None:
    config = labeling_config.parse(view('<Rectangle name="r" toName="img"/><Brush name="b" toName="img"/>', LABELS))
    assert [(control.from_name, control.labels_from) for control in config.controls] == [("r", "l"), ("b", "l")]


def test_points_without_and_with_rectangles() -> None:
    alone = labeling_config.parse(view(points())).controls
    assert alone == (Control("k", "img", "KeyPointLabels", Head.POSE, ("nose", "tail"), "image"),)
    for rectangle in (boxes(), '<Rectangle name="box" toName="img"/>' + LABELS):
        for tags in ([rectangle, points()], [points(), rectangle]):
            control = labeling_config.parse(view(*tags)).control("k")
            assert control is not None
            assert control.boxes_from == "box"


def test_rectangles_that_are_not_predicted_or_on_another_image_carry_no_points() -> None:
    other = '<Image name="second" value="$second"/>' + boxes().replace('"img"', '"second"')
    for rectangle in (boxes('model_skip="true"'), other):
        control = labeling_config.parse(view(rectangle, points())).control("k")
        assert control is not None
        assert control.boxes_from is None


def test_order_of_points() -> None:
    labels = '<Label value="a"/><Label value="b" model_index="10"/><Label value="c" model_index="2"/><Label value="d"/>'
    assert labeling_config.parse(view(points(labels))).controls[0].labels == ("c", "b", "a", "d")
    assert labeling_config.parse(view(boxes(labels=labels))).controls[0].labels == ("a", "b", "c", "d")


@pytest.mark.parametrize("index", ["first", "-1", "1.5", ""])
def test_impossible_order_of_points(index: str) -> None:
    with pytest.raises(LabelingConfigError, match="Expected 0, 1, 2"):
        labeling_config.parse(view(points(f'<Label value="a" model_index="{index}"/>')))


def test_classes() -> None:
    choices = (
        '<View><Choice value="Walks" alias="walk"/></View><Choice value="x" model_skip="true"/><Choice value="sit"/>'
    )
    for choice, multiple in (("single", False), ("single-radio", False), ("multiple", True)):
        config = labeling_config.parse(
            view(f'<Choices name="c" toName="img" choice="{choice}" model_score_threshold="0.5">{choices}</Choices>')
        )
        assert config.controls == (
            Control(
                "c",
                "img",
                "Choices",
                Head.CLASSIFICATION,
                ("walk", "sit"),
                "image",
                0.5,
                multiple=multiple,
                left_alone=("x",),
            ),
        )


def test_tracks_and_ranges_of_a_video() -> None:
    for attribute, rate in (("", ""), ('framerate="10.0"', "10.0"), ('frameRate="$fps"', "$fps")):
        config = labeling_config.parse(
            f"""<View><Labels name="l" toName="v"><Label value="A"/></Labels><Video name="v" value="$clip" {attribute}/>
            <VideoRectangle name="box" toName="v"/>
            <TimelineLabels name="t" toName="v"><Label value="runs"/><Label value="sits"/></TimelineLabels></View>"""
        )
        video = {"media": Media.VIDEO, "frame_rate": rate}
        assert config.controls == (
            Control("box", "v", "VideoRectangle", Head.DETECTION, ("A",), "clip", labels_from="l", **video),
            Control("t", "v", "TimelineLabels", Head.CLASSIFICATION, ("runs", "sits"), "clip", **video),
        )
        assert config.unsupported == ()


def test_several_images_in_one_task() -> None:
    for attribute, several in (('value="$a"', False), ('valueList="$a"', True), ('valuelist="$a" value="$b"', True)):
        [control] = labeling_config.parse(f'<View><Image name="img" {attribute}/>{boxes()}</View>').controls
        assert (control.media_field, control.value_list) == ("a", several)


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
        ('<TextArea name="t" toName="img"/>', "TextArea 't' (not supported yet)"),
        ('<Taxonomy name="t" toName="img"><Choice value="x"/></Taxonomy>', "use Choices instead"),
        (
            '<Choices name="c" toName="img"><Choice value="x"><Choice value="y"/></Choice></Choices>',
            "Choices 'c' (choices in choices",
        ),
        ('<Choices name="c" toName="img" allowNested="true"><Choice value="x"/></Choices>', "choices in choices"),
        ('<Choices name="c" toName="img" perRegion="true"><Choice value="x"/></Choices>', "perRegion"),
        ('<Choices name="c" toName="img"/>', "has no Choice in it"),
        ('<Choices name="c" toName="img" value="$options"/>', "labels out of the task data"),
        ('<Choices name="c" toName="txt"><Choice value="x"/></Choices>', "not the name of one Image"),
        ('<KeyPoint name="k" toName="img"/>', "use KeyPointLabels instead"),
        ('<Brush name="b" toName="img"/>', "or use BrushLabels instead"),
        ('<Video name="v" value="$v"/><VideoRectangle name="r" toName="v"/>', 'needs <Labels toName="v"> beside it)'),
        ('<VideoRectangle name="r" toName="img"/>' + LABELS, "is not the name of one Video"),
        (
            '<Video name="v" value="v.mp4"/><TimelineLabels name="t" toName="v"><Label value="A"/></TimelineLabels>',
            'such as value="$video"',
        ),
        (
            '<Video name="v" value="$v"/><Choices name="c" toName="v"><Choice value="A"/></Choices>',
            "on a Video only these are supported: VideoRectangle with Labels (tracks); TimelineLabels",
        ),
        ('<Labels name="l" toName="img"><Label value="A"/></Labels>', "Labels 'l'"),
        ('<Rectangle name="r" toName="img"/>', "needs <Labels"),
        (boxes('model_skip="true"'), "left out by model_skip"),
        (boxes(labels=""), "has no Label in it"),
        (boxes('value="$labels"', ""), "labels out of the task data"),
        (boxes(labels='<Label value="A" model_skip="true"/>'), "all its labels"),
        ('<RectangleLabels name="r" toName="gone"><Label value="A"/></RectangleLabels>', "not the name of one Image"),
        (
            '<Video name="v" value="$v"/><RectangleLabels name="r" toName="v"><Label value="A"/></RectangleLabels>',
            "on a Video only",
        ),
        (
            '<Image name="m" valueList="m"/><RectangleLabels name="r" toName="m"><Label value="A"/></RectangleLabels>',
            "its Image has value='m'",
        ),
        (
            '<Image name="m" valueList="$m"/><Choices name="c" toName="m"><Choice value="A"/></Choices>',
            "classes of an Image with valueList",
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
    for media in Media:
        assert supported(media) in str(error.value)
    assert labeling_config.EXAMPLE in str(error.value)


def test_no_control_at_all() -> None:
    with pytest.raises(LabelingConfigError, match="no control tag at all"):
        labeling_config.parse(view()).require()


def test_several_controls_of_which_one_is_served() -> None:
    config = labeling_config.parse(view('<Rating name="c" toName="img"/>', boxes()))
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
    assert fingerprint(boxes(), '<Rating name="c" toName="img"/>') == same
    assert fingerprint(boxes(), '<Choices name="c" toName="img"><Choice value="x"/></Choices>') != same
    assert fingerprint(boxes(labels='<Label value="A"/>')) != same
    assert labeling_config.parse(view(boxes()).replace("$image", "$photo")).fingerprint != same
    assert labeling_config.parse(view(boxes()).replace('"box"', '"other"')).fingerprint != same


def test_control_fingerprint_does_not_depend_on_names() -> None:
    control = labeling_config.parse(view(boxes())).controls[0]
    renamed = dataclasses.replace(control, from_name="x", to_name="y", score_threshold=0.1)
    assert labeling_config.control_fingerprint(control) == labeling_config.control_fingerprint(renamed)


def test_fingerprint_changes_with_what_is_told_apart() -> None:
    brush = Control("c", "i", "BrushLabels", Head.SEGMENTATION, ("A",), "image")
    point = Control("c", "i", "KeyPointLabels", Head.POSE, ("A",), "image")
    choice = Control("c", "i", "Choices", Head.CLASSIFICATION, ("A",), "image")
    different = [
        brush,
        dataclasses.replace(brush, tag="PolygonLabels"),
        point,
        dataclasses.replace(point, boxes_from="box"),
        choice,
        dataclasses.replace(choice, multiple=True),
    ]
    assert len({labeling_config.control_fingerprint(control) for control in different}) == len(different)
    same = [dataclasses.replace(brush, tag="Brush", labels_from="l"), dataclasses.replace(brush, score_threshold=0.2)]
    assert {labeling_config.control_fingerprint(control) for control in same} == {
        labeling_config.control_fingerprint(brush)
    }
    renamed = [dataclasses.replace(point, boxes_from=name) for name in ("box", "other")]
    assert len({labeling_config.control_fingerprint(control) for control in renamed}) == 1


PER_REGION = '<Choices name="state" toName="img" perRegion="true"><Choice value="x"/><Choice value="y"/></Choices>'


def test_classes_of_each_region_hang_on_boxes_and_masks() -> None:
    masks = '<BrushLabels name="m" toName="img"><Label value="A"/></BrushLabels>'
    points = '<KeyPointLabels name="p" toName="img"><Label value="nose"/></KeyPointLabels>'
    box, mask, point, state = labeling_config.parse(view(boxes() + masks + points + PER_REGION)).controls
    assert state.hangs_on == (box.from_name, "m")
    assert (point.hangs_on, mask.hangs_on) == ((box.from_name,), ())
    assert state.labels == ("x", "y")
    flat = PER_REGION.replace("perRegion", "perregion")
    assert labeling_config.parse(view(boxes() + flat)).controls[1].hangs_on == (box.from_name,)


def test_classes_of_each_region_are_other_micro_models_than_those_of_the_image() -> None:
    of_region = labeling_config.parse(view(boxes() + PER_REGION)).controls[1]
    of_image = labeling_config.parse(view(boxes() + PER_REGION.replace('perRegion="true"', ""))).controls[1]
    fingerprint = labeling_config.control_fingerprint
    assert fingerprint(of_region) != fingerprint(of_image)


@pytest.mark.parametrize(
    "shown",
    [
        '<View visibleWhen="region-selected" whenLabelValue="A">{}</View>',
        '<View visibleWhen="region-selected"><View visibleWhen="region-selected" whenLabelValue="A,C">{}</View></View>',
    ],
)
def test_classes_of_regions_with_certain_labels(shown: str) -> None:
    state = labeling_config.parse(view(boxes() + shown.format(PER_REGION))).controls[1]
    assert state.only_of[0] == "A"
    assert "B" not in state.only_of


def test_the_tag_of_the_regions_may_be_named() -> None:
    named = PER_REGION.replace("perRegion", 'visibleWhen="region-selected" whenTagName="m" perRegion')
    masks = '<BrushLabels name="m" toName="img"><Label value="A"/></BrushLabels>'
    assert labeling_config.parse(view(boxes() + masks + named)).controls[2].hangs_on == ("m",)


@pytest.mark.parametrize(("usages", "several"), [("", True), ('maxUsages="1"', False), ('maxUsages="2"', True)])
def test_a_flat_taxonomy_of_each_region(usages: str, several: bool) -> None:
    flat = (
        f'<Taxonomy name="t" toName="img" perRegion="true" {usages}><Choice value="x"/><Choice value="y"/></Taxonomy>'
    )
    state = labeling_config.parse(view(boxes() + flat)).controls[1]
    assert (state.tag, state.multiple, bool(state.attribute_of)) == ("Taxonomy", several, True)


@pytest.mark.parametrize("tag", ["Rating", "Number", "TextArea"])
def test_what_is_left_to_people_of_each_region_is_said_in_words(tag: str) -> None:
    [why] = labeling_config.parse(view(boxes() + f'<{tag} name="r" toName="img" perRegion="true"/>')).unsupported
    assert (
        why
        == f"{tag} 'r' (text, numbers and ratings of each region are left to people; Choices with perRegion are learnt)"
    )


def test_a_nested_taxonomy_is_said_in_words() -> None:
    tree = '<Taxonomy name="t" toName="img" perRegion="true"><Choice value="x"><Choice value="y"/></Choice></Taxonomy>'
    [why] = labeling_config.parse(view(boxes() + tree)).unsupported
    assert why == "Taxonomy 't' (choices in choices are not supported; write them as one flat list)"


def test_classes_of_each_track() -> None:
    video = (
        '<View><Video name="v" value="$v"/><Labels name="l" toName="v"><Label value="A"/></Labels>'
        f'<VideoRectangle name="b" toName="v"/>{PER_REGION.replace("img", "v")}</View>'
    )
    box, state = labeling_config.parse(video).controls
    assert (state.hangs_on, state.media) == ((box.from_name,), Media.VIDEO)
