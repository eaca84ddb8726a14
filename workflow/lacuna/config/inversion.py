"""Layer-wise inversion: the networks that it learns, the search, and what is read off."""

from typing import Literal, cast

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from lacuna.config.base import Measure, Name, Precision, Section, Share, Unique

Method = Literal["z", "direct", "direct_z", "layered", "layered_z", "layered_r"]


class Perceptual(Section):
    """A network whose features an inversion compares."""

    family: Literal["transformers", "upernet", "upp", "vgg16"] = Field(description="Architecture.")
    checkpoint: str = Field(description="Weights file, or folder.")


class EncoderSteps(Section):
    """Training steps of each part."""

    layer: NonNegativeInt = Field(60, description="Inverse of one layer.")
    tail: NonNegativeInt = Field(400, description="Inverse of the generator's tail.")
    encoder: NonNegativeInt = Field(250, description="All parts, tuned together.")
    direct: NonNegativeInt = Field(600, description="The baseline, trained end to end.")


class EncoderRates(Section):
    """Adam's learning rate for each part."""

    layer: PositiveFloat = Field(0.0001, description="Inverse of one layer.")
    tail: PositiveFloat = Field(0.002, description="Inverse of the generator's tail.")
    encoder: PositiveFloat = Field(0.0002, description="All parts, tuned together.")
    direct: PositiveFloat = Field(0.001, description="The baseline, trained end to end.")


class EncoderLosses(Section):
    """How differences are measured; l1 is the mean absolute difference of an element (the paper), cosine is 1 - the
    cosine of the channels at each position (the released code), mse the mean square.
    """

    layer: Measure = Field(
        "l1", description="Features, while the inverse of one layer is trained; the released code takes cosine."
    )
    tail: Measure = Field(
        "l1", description="Features, while the inverse of the tail is trained; the released code takes mse."
    )
    encoder: Measure = Field(
        "l1", description="Features and z, while all parts are tuned together; the released code takes cosine."
    )
    x: Measure = Field("l1", description="Images; the released code takes mse.")


class TrainEncoder(Section):
    """Layer-wise inversion networks."""

    layer: PositiveInt = Field(
        4, description="Last layer of the generator's head, whose output is optimized (the paper's n)."
    )
    steps: EncoderSteps = EncoderSteps()
    learning_rate: EncoderRates = EncoderRates()
    batch_size: PositiveInt = Field(16, description="Samples of the generator per step.")
    precision: Precision = "float32"
    milestones: list[Share] = Field([0.6, 0.85], description="Shares of the steps after which the learning rate falls.")
    decay: float = Field(0.3, le=1, gt=0, description="Factor on the learning rate at each milestone.")
    losses: EncoderLosses = EncoderLosses()
    lambda_r: NonNegativeFloat = Field(
        0.01, description="Weight of the loss on r_i beside that on r_(i-1) (the paper's lambda_R)."
    )
    loss_z: NonNegativeFloat = Field(0.3, description="Weight of the error of z when all parts are tuned together.")
    loss_r: NonNegativeFloat = Field(1.0, description="Weight of the error of r_n when all parts are tuned together.")
    loss_x: NonNegativeFloat = Field(
        1.0, description="Weight of the error of the image when all parts are tuned together."
    )
    validation: PositiveInt = Field(64, description="Samples with fixed z on which every part is judged.")
    fit_samples: NonNegativeInt = Field(
        512,
        description="Samples from which a layer's linear inverse is solved for, and again, on the chain's own "
        "estimates, when all are composed; 0 for none.",
    )
    network: Literal["layered", "published"] = Field(
        "layered",
        description="layered fits any generator; published is the ResNet-18 with four inverses of the released code, "
        "for progressive GANs of 256 pixels and layer 4.",
    )
    width: PositiveInt = Field(128, description="Channels of the networks at full size.")
    tail_width: PositiveInt = Field(
        32, description="Channels at full size of the tail's inverse; twice as many at each halving."
    )
    context: PositiveInt = Field(
        5, description="Pixels per side that the linear start of a layer's inverse looks at; odd."
    )
    log_every: PositiveInt = Field(50, description="Steps between two rows of the log.")


class InvertRates(Section):
    """Learning rate of what moves."""

    z: PositiveFloat = Field(0.05, description="Methods z, direct_z and layered_z.")
    residuals: PositiveFloat = Field(0.03, description="Method layered_r.")


class Invert(Section):
    """Optimization of the intermediate representation."""

    residual_layers: Unique[PositiveInt] = Field(
        [1, 2, 3, 4], min_length=1, description="Layers whose output gets a residual d_i."
    )
    steps: NonNegativeInt = Field(200, description="Steps of the optimizer.")
    learning_rate: InvertRates = InvertRates()
    z_start: Literal["random", "mean"] = Field(
        "random",
        description="Where method z begins: at a random z of the image's own, or at the mean of all z (not for a "
        "generator that normalizes z).",
    )
    milestones: list[Share] = Field(
        [0.5, 0.75, 0.9], description="Shares of the steps after which the learning rate falls."
    )
    decay: float = Field(0.3, le=1, gt=0, description="Factor on the learning rate at each milestone.")
    lambda_pixel: NonNegativeFloat = Field(1.0, description="Weight of the L1 error of pixels.")
    lambda_perceptual: NonNegativeFloat = Field(0.5, description="Weight of the L1 error of perceptual features.")
    lambda_reg: NonNegativeFloat = Field(0.001, description="Weight of the residuals' squares.")
    residual_norm: Literal["sum", "mean"] = Field(
        "sum",
        description="Of a layer's residual counts the sum of its squares (the paper) or their mean (the released "
        "code).",
    )
    feature_levels: Unique[NonNegativeInt] = Field(
        [0, 1, 2, 3], description="Maps of the perceptual network that count, from 0, the finest."
    )
    batch_size: PositiveInt = Field(
        8,
        description="Images searched for at once; one that has ended leaves its place to the next. None influences "
        "another.",
    )
    precision: Precision = "float32"
    patience: NonNegativeInt = Field(
        0,
        description="Steps without progress (see plateau) after which an image goes on to its next milestone, and "
        "behind the last one stops; 0 for never.",
    )
    plateau: NonNegativeFloat = Field(
        0.01,
        description="An image makes no progress when its loss falls by at most this share of its whole fall so far.",
    )
    converged_tolerance: NonNegativeFloat = Field(
        0.02,
        description="An image has converged when the last fifth of its steps made at most this share of its loss's "
        "fall.",
    )
    log_every: PositiveInt = Field(20, description="Steps between two rows of the loss.")


class SearchSettings(Invert):
    """How one inversion is searched for, with the layer that the encoder was trained for."""

    layer: PositiveInt = Field(description="Last layer of the head, whose output is optimized; train_encoder's.")


class Inversion(Section):
    """Images of a source that a generator is asked to draw."""

    generator: Name = Field(description="Generator to invert.")
    source: Name = Field(description="Source whose first images are inverted.")
    count: PositiveInt = Field(description="Number of images.")
    methods: Unique[Method] = Field(min_length=1, description="Methods, as in the paper's comparison.")
    segmenter: Name = Field(
        default=cast(str, None),  # shorthand has filled it in where it could
        description="Segmenter of the omissions and, by its backbone, of the perceptual loss; found as for "
        "comparisons.",
    )
    perceptual: Name | None = Field(
        None, description="Perceptual network of the loss, where it is not the segmenter's backbone."
    )
    invert: Invert | None = Field(None, description="What this inversion alone has otherwise than the section invert.")


class Omissions(Section):
    """What each photo has and its reconstruction has not."""

    batch_size: PositiveInt = Field(16, description="Images per batch of the segmenter.")
