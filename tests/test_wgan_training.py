import copy

import torch

from lacuna.generators.wgan.critic import Critic, settled
from lacuna.generators.wgan.model import BATCH_NORM, AblationGenerator
from lacuna.training.losses import gradient_penalty

SIZES = [6, 8, 8, 6]  # 16 pixels


def test_critic_sees_every_image_alone() -> None:
    torch.manual_seed(0)
    critic, x = Critic(SIZES), torch.randn(4, 3, 16, 16)
    other = torch.cat([x[:1], torch.randn(3, 3, 16, 16)])
    assert critic(x).shape == (4,)
    torch.testing.assert_close(critic(x)[0], critic(other)[0])
    assert not any(isinstance(module, torch.nn.modules.batchnorm._BatchNorm) for module in critic.modules())


def test_critic_can_be_differentiated_twice() -> None:
    """The gradient penalty is a function of a gradient; checked against differences of that gradient."""
    torch.manual_seed(0)
    critic = Critic([2, 3, 3]).double()
    x = torch.randn(2, 3, 8, 8, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda x: critic.layers(x).sum((1, 2, 3)), (x,), atol=1e-6, fast_mode=True)


def test_the_gradient_penalty_is_float32_whatever_the_networks_compute_in() -> None:
    torch.manual_seed(0)
    critic, real, generated = Critic(SIZES), torch.randn(4, 3, 16, 16), torch.randn(4, 3, 16, 16)
    exact = gradient_penalty(critic, real, generated, seed=1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert critic(real).isfinite().all()
        assert torch.equal(gradient_penalty(critic, real, generated, seed=1), exact)


def test_settled_batch_norms_give_in_eval_mode_what_train_mode_gives_for_the_same_images() -> None:
    torch.manual_seed(0)
    generator, z = AblationGenerator(BATCH_NORM, SIZES, clamp=False), torch.randn(512, 6)
    before = copy.deepcopy(generator.state_dict())
    found = settled(generator, z)
    assert all(torch.equal(value, before[key]) for key, value in generator.state_dict().items())
    assert not found.training
    # The kept variance has the divisor n - 1, and the smallest map n = 512 * 16 numbers per channel; images go to 12.
    torch.testing.assert_close(found(z), generator(z), atol=0.01, rtol=0)
    assert torch.equal(found(z)[:1], settled(generator, z)(z)[:1])
    torch.testing.assert_close(found(z[:1]), found(z)[:1])
