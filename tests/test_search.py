"""The search itself: images do not see each other, each ends when it has had enough, and the loss is the paper's."""

import pytest
import torch
from inversion_case import TinyFeatures, latents, plain_generator, tiny_generator

from lacuna.generators.chain import head, tail
from lacuna.inversion.adam import Adam
from lacuna.inversion.layers import path
from lacuna.inversion.methods import Patience, Plan
from lacuna.inversion.objective import TERMS, Objective, Weights
from lacuna.inversion.search import How, Search
from lacuna.inversion.unknowns import Found, Start, Unknowns, reconstruct

PLAN = Plan(20, 0.05, (0.5,), 0.1, 5)
WEIGHTS = Weights(1.0, 0.5, 1e-3)
RESIDUALS, Z = (1, 2, 3), ()


def search(x, z0, residual_layers=RESIDUALS, how=How(PLAN), places=8, objective=None, generator=None):  # noqa: B008
    generator = (generator or tiny_generator()).to(x.dtype)
    parts = head(generator, len(generator) - 1), tail(generator, len(generator) - 1)
    sizes = [r.shape[1:] for r in path(parts[0], z0)]

    def start(row):
        z = z0[row : row + 1].clone()
        return Start(
            Unknowns(z, {k: z.new_zeros(1, *sizes[k - 1]) for k in residual_layers}, not residual_layers),
            x[row : row + 1],
        )

    objective = objective or Objective(WEIGHTS, TinyFeatures().to(x.dtype), (0, 1))
    return Search(*parts, objective, how, start, range(10, 10 + len(x)), places)


def images(count):
    return tiny_generator()(latents(count)).clamp(-1, 1).contiguous()


def same(one, other):
    pairs = zip((*one.unknowns.tensors, one.loss_ST), (*other.unknowns.tensors, other.loss_ST), strict=True)
    return all(torch.equal(a.nan_to_num(7.0), b.nan_to_num(7.0)) for a, b in pairs)


HOWS = {
    "layered_r": (RESIDUALS, How(PLAN)),
    "z": (Z, How(PLAN)),
    "patience": (RESIDUALS, How(Plan(60, 0.05, (0.5,), 0.1, 5), patience=Patience(5, 0.05))),
}


@pytest.mark.parametrize("kind", HOWS)
def test_replacing_the_other_images_by_noise_changes_no_bit_of_an_image(kind):
    x, z0 = images(6), latents(6, seed=1)
    noise, noise_z = torch.rand(6, 3, 16, 16) * 2 - 1, latents(6, seed=2)
    noise[3], noise_z[3] = x[3], z0[3]
    layers, how = HOWS[kind]
    alone, among = (search(*these, layers, how, places=4).run() for these in ((x, z0), (noise, noise_z)))
    assert same(alone[3], among[3])
    assert not same(alone[2], among[2])


@pytest.mark.parametrize("kind", HOWS)
def test_an_image_is_found_the_same_whatever_place_and_company_it_has(kind):
    x, z0 = images(6), latents(6, seed=1)
    layers, how = HOWS[kind]
    all_six = search(x, z0, layers, how, places=4).run()
    backwards = search(x.flip(0), z0.flip(0), layers, how, places=4).run()
    alone = search(x[4:5], z0[4:5], layers, how, places=4).run()
    for row in range(6):
        assert same(all_six[row], backwards[5 - row])
    assert same(all_six[4], alone[0])


@pytest.mark.parametrize("kind", ["layered_r", "z"])
def test_a_batch_of_eight_agrees_with_each_image_alone(kind):
    x, z0 = images(8).double(), latents(8, seed=1).double()
    layers, how = HOWS[kind]
    together = search(x, z0, layers, how, places=8).run()
    for row in (0, 5):
        alone = search(x[row : row + 1], z0[row : row + 1], layers, how, places=1).run()[0]
        for a, b in zip(together[row].unknowns.tensors, alone.unknowns.tensors, strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=1e-8)  # float64, other kernels for another batch


def test_terms_are_the_papers_loss():
    generator, x = tiny_generator(), torch.rand(2, 3, 16, 16)
    z0, residuals = latents(2), {2: torch.randn(2, 8, 4, 4)}
    r, x_hat = reconstruct(head(generator, 3), tail(generator, 3), Unknowns(z0, residuals, False))
    objective = Objective(WEIGHTS, TinyFeatures(), (1,))
    total, pixel, perceptual, squares = objective.terms(x_hat, residuals, x, objective.features(x)).unbind(dim=1)
    features = [TinyFeatures().features(image)[1] for image in (x, x_hat)]
    torch.testing.assert_close(r[-1], generator[2](generator[1](generator[0](z0)) + residuals[2]))
    torch.testing.assert_close(pixel, (x - x_hat).abs().mean(dim=(1, 2, 3)))
    torch.testing.assert_close(perceptual, (features[0] - features[1]).abs().mean(dim=(1, 2, 3)))
    torch.testing.assert_close(squares, residuals[2].square().sum(dim=(1, 2, 3)))
    torch.testing.assert_close(total, pixel + 0.5 * perceptual + 1e-3 * squares)
    mean = Objective(Weights(1.0, 0.0, 1.0, mean_residual=True)).terms(x_hat, residuals, x, [])
    torch.testing.assert_close(mean[:, 3], residuals[2].square().mean(dim=(1, 2, 3)))


@pytest.mark.parametrize("kind", ["layered_r", "z"])
def test_the_search_makes_the_loss_smaller(kind):
    layers, how = HOWS[kind]
    found = search(images(3), latents(3, seed=1), layers, how).run()
    for image in found:
        assert image.loss_ST.shape == (5, len(TERMS))
        assert image.loss_ST[-1, 0] < 0.95 * image.loss_ST[0, 0]


def test_the_last_row_of_the_log_is_the_loss_of_what_was_found():
    x = images(3)
    for layers, how in HOWS.values():
        for row, image in enumerate(search(x, latents(3, seed=1), layers, how).run()):
            generator, objective = tiny_generator(), Objective(WEIGHTS, TinyFeatures(), (0, 1))
            _, x_hat = reconstruct(head(generator, 3), tail(generator, 3), image.unknowns)
            wanted = x[row : row + 1]
            terms = objective.terms(x_hat, image.unknowns.residuals, wanted, objective.features(wanted))[0]
            last = image.loss_ST[torch.isfinite(image.loss_ST[:, 0])][-1]
            torch.testing.assert_close(terms.detach(), last, rtol=1e-4, atol=1e-6)


def test_coarse_arithmetic_finds_about_the_same():
    x, z0 = images(2), latents(2, seed=1)
    fine, coarse = (search(x, z0, how=How(PLAN, precision=precision)).run() for precision in ("float32", "bfloat16"))
    for one, other in zip(fine, coarse, strict=True):
        assert other.unknowns.residuals[1].dtype == torch.float32
        torch.testing.assert_close(other.loss_ST[:, 0], one.loss_ST[:, 0], rtol=0.3, atol=0)  # 8 bits, 8 channels
        assert not torch.equal(other.loss_ST, one.loss_ST)


def test_any_chain_of_layers_can_be_inverted():
    x = torch.rand(2, 3, 8, 8)
    for image in search(
        x, latents(2, 6), (1, 2), objective=Objective(Weights(1.0, 0.0, 0.0)), generator=plain_generator()
    ).run():
        assert image.loss_ST[-1, 0] < image.loss_ST[0, 0]


def test_a_loss_that_is_not_finite_ends_its_image_alone(caplog):
    x, z0 = images(3), latents(3, seed=1)
    clean = search(x, z0, (1, 2), places=3).run()

    class Failing(Objective):
        steps = 0

        def terms(self, *arguments):
            self.steps += 1
            factor = torch.ones(3)
            factor[1] = torch.nan if self.steps == 8 else 1.0
            return super().terms(*arguments) * factor[:, None]

    found = search(x, z0, (1, 2), places=3, objective=Failing(WEIGHTS, TinyFeatures(), (0, 1))).run()
    assert "image 11: loss is nan at step 7; it keeps its last good values, those of step 6, loss " in caplog.text
    last_good = float(caplog.text.split("step 6, loss ")[1].split()[0])
    assert 0 < last_good < clean[1].loss_ST[0, 0]
    # One place in three, so that the same kernels are at work.
    plan = Plan(6, 0.05, (20 * 0.5 / 6,), 0.1, 5)
    before = search(x, z0, (1, 2), How(plan), places=3).run()
    assert same(found[0], clean[0]) and same(found[2], clean[2])
    for a, b in zip(found[1].unknowns.tensors, before[1].unknowns.tensors, strict=True):
        assert torch.equal(a, b)
    assert found[1].failed and torch.isnan(found[1].loss_ST[2:]).all() and torch.isfinite(found[1].loss_ST[:2]).all()
    steps = PLAN.logged()
    assert [image.has_converged(steps, 1.0) for image in found] == [True, False, True]


def test_an_image_without_progress_stops_and_leaves_its_place():
    x, z0 = images(4), latents(4, seed=1)
    plan = Plan(400, 0.05, (0.5, 0.75), 0.3, 5)
    patient = search(x, z0, RESIDUALS, How(plan), places=2)
    hasty = search(x, z0, RESIDUALS, How(plan, patience=Patience(10, 0.02)), places=2)
    rounds = []
    for run in (patient, hasty):
        step, count = run._move, []
        run._move = lambda terms_PT, step=step, count=count: (count.append(1), step(terms_PT))
        found = run.run()
        rounds.append(len(count))
    assert rounds[1] < rounds[0] / 2
    for image in found:
        total_S = image.loss_ST[:, 0]
        rows = int(torch.isfinite(total_S).sum())
        assert rows < len(total_S) and torch.isnan(total_S[rows:]).all()


def test_a_plateau_brings_the_next_milestone_forward():
    plan = Plan(100, 1.0, (0.5, 0.8), 0.1, 10)
    assert plan.rate(20) == 1.0
    assert plan.rate(20, brought_forward=1) == pytest.approx(0.1)
    assert plan.rate(90, brought_forward=1) == pytest.approx(0.01)
    assert Patience(10, 0.1).is_over(loss_then=2.05, loss_now=2.0, loss_first=4.0)
    assert not Patience(10, 0.1).is_over(loss_then=2.5, loss_now=2.0, loss_first=4.0)


def test_an_image_has_converged_when_its_loss_falls_no_more():
    nan = torch.nan
    steps = [0, 50, 80, 100]

    def converged(*total, failed=False):
        loss_ST = torch.tensor(total)[:, None].expand(-1, len(TERMS))
        return Found(Unknowns(torch.zeros(1, 1), {}, True), loss_ST, failed).has_converged(steps, 0.01)

    assert converged(4, 2, 1.02, 1)
    assert not converged(4, 2, 1.1, 1)
    assert not converged(1, 1, nan, nan, failed=True)
    assert not converged(1, 1.2, 1.2, 1.1)
    # An image that stopped at step 80 is judged on the steps that it had: against step 50.
    assert converged(4, 1, 1, nan)
    assert not converged(4, 2, 1, nan)
    assert converged(1.0, nan, nan, nan)  # nothing was searched for


def test_adam_is_torchs():
    torch.manual_seed(0)
    target, start = torch.randn(3, 7), torch.randn(3, 7)
    ours, theirs = start.clone(), start.clone().requires_grad_()
    adam, optimizer = Adam([ours]), torch.optim.Adam([theirs], lr=0.1)
    for _ in range(10):
        gradient = 4 * (ours - target) ** 3
        adam.move([ours], [gradient], torch.full((3,), 0.1, dtype=torch.float64), torch.ones(3).bool())
        optimizer.zero_grad()
        ((theirs - target) ** 4).sum().backward()
        optimizer.step()
    torch.testing.assert_close(ours, theirs.detach(), rtol=1e-5, atol=1e-6)
